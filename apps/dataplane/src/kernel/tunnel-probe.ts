import type { IpAddress } from '@overlay/allocation';
import type { TrialAnswer } from '../desired/plan-offload-trial.js';

/** From where to where a question goes. */
export interface ProbePath {
  readonly from: IpAddress;
  readonly to: IpAddress;
}

/** Asks whether packets reach a host through the tunnel. */
export interface TunnelProbe {
  /**
   * `answered` if the host's kernel answered a TCP connection, be it with a refusal: it does so only if our packet's
   * checksum was right. `silent` if nothing came within the time or before the signal, or no packet could be
   * sent. Never throws.
   */
  ask(path: ProbePath, timeoutMs: number, signal: AbortSignal): Promise<TrialAnswer>;
}
