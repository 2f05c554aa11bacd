import type { DockerAnswer } from '../docker/docker-routes.js';

/** What became of a call to overlay-ipam. */
export type CallOutcome =
  | { readonly kind: 'answered'; readonly answer: DockerAnswer }
  /** It never reached overlay-ipam. */
  | { readonly kind: 'undelivered'; readonly reason: string }
  /** It may have been performed or not, and will not be performed later. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** The way to overlay-ipam. */
export interface IpamCaller {
  /**
   * Calls `IpamDriver.METHOD`, and gives up when the host's uptime is `untilMs`; overlay-ipam performs nothing after
   * that. Never rejects.
   */
  call(method: string, body: unknown, untilMs: number): Promise<CallOutcome>;
}
