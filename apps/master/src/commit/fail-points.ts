/** Places around a commit at which a fault test can stop the process dead. */
const FAIL_POINTS = ['before-commit', 'after-commit', 'before-reply'] as const;

/** One of {@link FAIL_POINTS}. */
export type FailPointName = (typeof FAIL_POINTS)[number];

/** Told whenever the process passes one of the places. */
export interface FailPoints {
  pass(name: FailPointName): void;
}

/** The ordinary case: nothing happens anywhere. */
export const NO_FAIL_POINTS: FailPoints = { pass: () => undefined };

/**
 * Fail points from the text of `OVERLAY_FAIL_POINTS`, for example `after-commit@3`: at the third passage of that
 * place `trip` is called. Several are separated by commas; unknown places are ignored.
 * @param trip what happens, in a process: it kills itself as SIGKILL would.
 */
export function parseFailPoints(text: string | undefined, trip: (name: FailPointName) => void): FailPoints {
  if (text === undefined || text === '') return NO_FAIL_POINTS;
  const left = new Map<string, number>();
  for (const entry of text.split(',')) {
    const [name = '', count = '1'] = entry.trim().split('@');
    left.set(name, Number(count));
  }
  return {
    pass(name) {
      const remaining = left.get(name);
      if (remaining === undefined) return;
      left.set(name, remaining - 1);
      if (remaining === 1) trip(name);
    },
  };
}
