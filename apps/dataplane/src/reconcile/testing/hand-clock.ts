import type { Clock } from '@overlay/service';

/** Time that moves only when a test says so. */
export class HandClock implements Clock {
  readonly waits: number[] = [];
  #now = 0;
  #sleepers: { readonly untilMs: number; readonly wake: () => void }[] = [];

  nowMs(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now;
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    this.waits.push(durationMs);
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      if (signal?.aborted) wake();
      else signal?.addEventListener('abort', wake, { once: true });
      this.#sleepers.push({ untilMs: this.#now + durationMs, wake });
    });
  }

  /** Wakes whoever slept long enough, and lets everybody run until they wait again. */
  async advance(durationMs: number): Promise<void> {
    await turn();
    this.#now += durationMs;
    const due = this.#sleepers.filter(({ untilMs }) => untilMs <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ untilMs }) => untilMs > this.#now);
    for (const { wake } of due) wake();
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
