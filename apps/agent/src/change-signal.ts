import type { Clock } from '@overlay/service';

/** Tells loops that something they follow has changed. Changes that come while nobody waits are not lost. */
export class ChangeSignal {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  /** How often it was raised; what a loop has seen. */
  get count(): number {
    return this.#count;
  }

  /** Says that something changed. */
  raise(): void {
    this.#count += 1;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves once it was raised more than `seen` times, or when the signal aborts. Never rejects. */
  async after(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#count > seen || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  /** Like {@link after}, at most for `durationMs`. Resolves with whether it was raised. */
  async within(seen: number, durationMs: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
    const done = new AbortController();
    const end = () => done.abort();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    await Promise.race([this.after(seen, done.signal), clock.sleep(durationMs, done.signal)]);
    end();
    signal.removeEventListener('abort', end);
    return this.#count > seen;
  }
}
