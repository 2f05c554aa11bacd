/** How current the page is. */
export type Freshness =
  | { readonly kind: 'loading' }
  | { readonly kind: 'live'; readonly seenAtMs: number }
  /** The master answers, and says why its answer may be out of date. */
  | { readonly kind: 'doubtful'; readonly reason: string; readonly seenAtMs: number }
  | {
      readonly kind: 'stale';
      readonly reason: string;
      /** When the state that is shown was seen; undefined if none ever was. */
      readonly seenAtMs: number | undefined;
      readonly retryAtMs: number;
    };

/** What is told to the reader about it. */
export interface FreshnessText {
  /** Changes only when something happened: a screen reader says it aloud. */
  readonly headline: string;
  /** Counts seconds. */
  readonly detail: string;
}

/** Tells how current the page is. @param nowMs on the clock of the other times. */
export function describeFreshness(freshness: Freshness, nowMs: number): FreshnessText {
  switch (freshness.kind) {
    case 'loading':
      return { headline: 'Loading…', detail: '' };
    case 'live':
      return { headline: 'Live', detail: `seen ${secondsText(nowMs - freshness.seenAtMs)} ago` };
    case 'doubtful':
      return {
        headline: `May be out of date: ${freshness.reason}`,
        detail: `seen ${secondsText(nowMs - freshness.seenAtMs)} ago`,
      };
    case 'stale': {
      const { reason, seenAtMs, retryAtMs } = freshness;
      const age =
        seenAtMs === undefined
          ? 'nothing seen yet'
          : `shown is the state of ${secondsText(nowMs - seenAtMs)} ago`;
      return {
        headline: `Stale: ${reason}`,
        detail: `${age}; next try in ${secondsText(retryAtMs - nowMs)}`,
      };
    }
  }
}

function secondsText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
