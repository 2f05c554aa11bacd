/** The two clocks a process lives by, as a dependency so that tests can move them. */
export interface Clock {
  /** Wall clock in Unix milliseconds: for people and records, never for durations. */
  nowMs(): number;
  /** Milliseconds of a clock that never jumps: for durations, quarantines and timeouts. */
  monotonicMs(): number;
  /** Waits, 24 days at most; resolves early, without an error, when the signal aborts. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** Longest wait of a timer: Node fires at once for more. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The machine's clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (durationMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.min(durationMs, TIMER_MAX_MS));
      signal?.addEventListener('abort', finish, { once: true });
    }),
};
