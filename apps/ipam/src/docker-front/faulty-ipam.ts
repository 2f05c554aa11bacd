import type { DockerIpam } from '../docker/docker-ipam.js';
import type { CallOutcome, IpamCaller } from './ipam-caller.js';

/** How overlay-ipam is: well, down, silent without doing anything, or gone between doing something and the answer. */
export type IpamFault = 'none' | 'down' | 'silent' | 'answer_lost';

/** An {@link IpamCaller} with an overlay-ipam in memory that can be made to fail, for tests. */
export class FaultyIpam implements IpamCaller {
  fault: IpamFault = 'none';
  /** How often it was called. */
  calls = 0;
  readonly #ipam: DockerIpam;

  constructor(ipam: DockerIpam) {
    this.#ipam = ipam;
  }

  async call(method: string, body: unknown, untilMs: number): Promise<CallOutcome> {
    this.calls += 1;
    if (this.fault === 'down') return { kind: 'undelivered', reason: 'overlay-ipam is down' };
    if (this.fault === 'silent') return { kind: 'unknown', reason: 'overlay-ipam does not answer' };
    const answer = await this.#ipam.answer(method, body, untilMs);
    if (this.fault === 'none') return { kind: 'answered', answer };
    return { kind: 'unknown', reason: 'overlay-ipam ended' };
  }
}
