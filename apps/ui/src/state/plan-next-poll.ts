/** Pause between two polls while all goes well, in milliseconds. */
export const POLL_MS = 2_000;

const MAX_BACKOFF_MS = 30_000;

/** A state that takes long to fetch, as that of a very large cluster does, is fetched that much less often. */
const REST_PER_WORK = 4;

/** How the polls went so far. */
export interface PollHistory {
  /** Polls that failed since the last that succeeded. */
  readonly failures: number;
  /** How long the last poll took, its rendering included, in milliseconds. */
  readonly lastMs: number;
}

/**
 * Milliseconds until the next poll: 2 s, longer after slow ones, doubling after failures up to 30 s, and then
 * spread over the upper half so that many open pages do not return in step.
 * @param random from 0 up to 1.
 */
export function planNextPoll({ failures, lastMs }: PollHistory, random: number): number {
  const steady = Math.min(MAX_BACKOFF_MS, Math.max(POLL_MS, lastMs * REST_PER_WORK));
  if (failures === 0) return steady;
  const backoff = Math.min(MAX_BACKOFF_MS, steady * 2 ** Math.min(failures - 1, 10));
  return Math.round(backoff * (0.5 + random / 2));
}
