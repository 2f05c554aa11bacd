import { OverlayError } from '@overlay/failure';

/** How many may pass at once, and how many may wait. */
export interface GateLimits {
  readonly running: number;
  readonly waiting: number;
}

/** Lets a bounded number of probes run at once, in the order in which they came. */
export class ProbeGate {
  readonly #limits: GateLimits;
  #running = 0;
  /** In the order of coming; each begins the run that it stands for. */
  readonly #waiting = new Set<() => void>();

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  /**
   * Runs the work when there is room.
   * @throws OverlayError `resource_exhausted` if too many wait already; `deadline_exceeded` if the signal aborts
   * before its turn.
   */
  async pass<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    if (this.#running < this.#limits.running) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.size >= this.#limits.waiting) {
      const message = `${this.#running} probes run and ${this.#waiting.size} wait on this host: try again later`;
      throw new OverlayError('resource_exhausted', message);
    }
    await new Promise<void>((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(begin);
        reject(
          new OverlayError('deadline_exceeded', 'the probe was not its turn in time: too many others run'),
        );
      };
      this.#waiting.add(begin);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
  }

  /** Hands the room on to who waits longest. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
