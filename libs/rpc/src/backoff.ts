/** Bounds of an exponential backoff. */
export interface BackoffPolicy {
  /** Upper bound of the first wait in milliseconds. */
  readonly baseMs: number;
  /** Upper bound of every wait in milliseconds. */
  readonly capMs: number;
}

/**
 * How long to wait before try number `attempt` (0 is the first retry): exponential with full jitter, uniform in
 * [0, min(cap, base * 2^attempt)), so that many hosts that lost one master do not come back in step.
 * @param random uniform in [0, 1)
 */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number): number {
  return random() * Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt, 30));
}
