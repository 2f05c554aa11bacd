import type { TopologyFrame } from '@overlay/contracts';

/** Frames for an open topology stream, given one after the other. */
export class FrameQueue {
  readonly #frames: TopologyFrame[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  push(frame: TopologyFrame): void {
    this.#frames.push(frame);
    this.#wake();
  }

  /** Nothing follows; the stream is closed after what is still waiting. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *frames(): AsyncGenerator<TopologyFrame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) yield frame;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
