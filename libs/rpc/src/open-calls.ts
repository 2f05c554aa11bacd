import { setMaxListeners } from 'node:events';
import { OverlayError } from '@overlay/failure';

/** The calls of one client that are under way, so that closing the client ends them. */
export class OpenCalls {
  readonly #cancels = new Set<() => void>();
  #closed = false;

  /** @throws OverlayError `aborted` if the client is closed or the signal has aborted. */
  admit(path: string, signal: AbortSignal | undefined): void {
    if (this.#closed) throw new OverlayError('aborted', `${path}: the client is closed`);
    if (signal?.aborted) throw new OverlayError('aborted', `${path} was cancelled before it began`);
  }

  /** Cancels the call when the signal aborts or the client closes, until the returned function is called. */
  track(cancel: () => void, signal: AbortSignal | undefined): () => void {
    this.#cancels.add(cancel);
    if (signal !== undefined) {
      // Many calls may share one signal: that is no leak, for every listener goes with its call.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', cancel, { once: true });
    }
    return () => {
      this.#cancels.delete(cancel);
      signal?.removeEventListener('abort', cancel);
    };
  }

  /** Cancels every call and admits no more. Repeatable. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#cancels) cancel();
  }
}
