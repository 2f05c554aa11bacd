import { OverlayError } from '@overlay/failure';
import type { EncodedFrame } from './encode-frame.js';

/** A watcher that is this many frames behind is cut off; it resumes by revision or gets a snapshot. */
const MAX_WAITING_FRAMES = 4_096;

/** The frames that wait for one watcher. */
export class WatcherQueue {
  #frames: EncodedFrame[] = [];
  #wake: (() => void) | undefined;
  #cutOff = false;

  /** Adds a frame; a watcher too far behind is cut off instead. */
  push(frame: EncodedFrame): void {
    if (this.#frames.length >= MAX_WAITING_FRAMES) {
      this.#cutOff = true;
      this.#frames = [];
    } else if (!this.#cutOff) {
      this.#frames.push(frame);
    }
    this.#wake?.();
  }

  /**
   * Yields frames as they come, until the signal aborts.
   * @throws OverlayError `aborted` if the watcher was cut off.
   */
  async *drain(signal: AbortSignal): AsyncGenerator<EncodedFrame> {
    const wakeUp = () => this.#wake?.();
    signal.addEventListener('abort', wakeUp, { once: true });
    try {
      while (!signal.aborted) {
        if (this.#cutOff) {
          throw new OverlayError('aborted', 'the watcher is too slow for the topology: resume by revision');
        }
        const frames = this.#frames;
        this.#frames = [];
        yield* frames;
        if (this.#frames.length === 0 && !this.#cutOff && !signal.aborted) await this.#next();
      }
    } finally {
      signal.removeEventListener('abort', wakeUp);
    }
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
