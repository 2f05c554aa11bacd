import type { Readiness } from '@overlay/service';
import type { HostClock } from '../host-clock.js';
import type { IpamCaller } from './ipam-caller.js';

/** What {@link probeIpam} works on. */
export interface IpamProbeDeps {
  readonly ipam: IpamCaller;
  readonly clock: Pick<HostClock, 'instant'>;
  readonly readiness: Readiness;
}

/** Reason of readiness while overlay-ipam is away. */
export const IPAM_AWAY = 'ipam';

const ANSWERS_WITHIN_MS = 1000;

/** Asks overlay-ipam for anything: not ready for as long as no answer comes, for Docker gets no address then. */
export async function probeIpam({ ipam, clock, readiness }: IpamProbeDeps): Promise<void> {
  const untilMs = clock.instant().uptimeMs + ANSWERS_WITHIN_MS;
  // That it does not know the method, which only Docker's side has, is an answer.
  const outcome = await ipam.call('IpamDriver.GetCapabilities', {}, untilMs);
  if (outcome.kind === 'answered') readiness.clear(IPAM_AWAY);
  else readiness.block(IPAM_AWAY, outcome.reason);
}
