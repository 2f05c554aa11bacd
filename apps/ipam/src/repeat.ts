import type { Clock } from '@overlay/service';

/** What is done again and again. */
export interface Repetition {
  readonly clock: Pick<Clock, 'sleep'>;
  /** Time from the end of one run to the start of the next. */
  readonly intervalMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly run: () => Promise<void>;
  /** Told of each failure; the next run comes nevertheless. */
  readonly onError: (error: unknown) => void;
}

/** Waits, runs, and so on until the signal aborts. Resolves when the last run has ended; never rejects. */
export async function repeat({ clock, intervalMs, signal, run, onError }: Repetition): Promise<void> {
  for (;;) {
    await clock.sleep(intervalMs, signal);
    if (signal.aborted) return;
    try {
      await run();
    } catch (error) {
      onError(error);
    }
  }
}
