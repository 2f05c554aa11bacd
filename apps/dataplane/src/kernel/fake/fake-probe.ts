import type { TrialAnswer } from '../../desired/plan-offload-trial.js';
import type { ProbePath, TunnelProbe } from '../tunnel-probe.js';

/** A tunnel in memory: hosts that are up answer, unless the path spoils packets of which the checksum was left open. */
export class FakeProbe implements TunnelProbe {
  readonly #offloaded: () => boolean;
  readonly #asked: ProbePath[] = [];
  up: (path: ProbePath) => boolean = () => true;
  spoils = false;
  /** Whether questions stay open until whoever asked gives up. */
  holds = false;

  /** @param offloaded whether checksum offload of the tunnel is on */
  constructor(offloaded: () => boolean) {
    this.#offloaded = offloaded;
  }

  /** Every question, oldest first. */
  get asked(): readonly ProbePath[] {
    return this.#asked;
  }

  ask(path: ProbePath, _timeoutMs: number, signal: AbortSignal): Promise<TrialAnswer> {
    this.#asked.push(path);
    if (this.holds)
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve('silent'), { once: true });
      });
    const arrives = this.up(path) && !(this.spoils && this.#offloaded());
    return Promise.resolve(arrives ? 'answered' : 'silent');
  }
}
