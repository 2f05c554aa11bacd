import { CommitSignal } from './commit-signal.js';

/** Who leads, as far as a driver knows, for everyone who watches it. */
export class LeaderFeed {
  readonly #changes = new CommitSignal();
  #leader: string | undefined;

  /** The candidate that leads; `undefined` while nobody does. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** Tells who leads from now on; what is told already changes nothing. */
  tell(leader: string | undefined): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#changes.fire();
  }

  /** Yields who leads now, then each change, until the signal aborts. Who reads slowly sees the newest only. */
  async *watch(signal: AbortSignal): AsyncIterable<string | undefined> {
    let told: { readonly leader: string | undefined } | undefined;
    while (!signal.aborted) {
      if (told !== undefined && told.leader === this.#leader) {
        await this.#changes.next(signal);
      } else {
        told = { leader: this.#leader };
        yield told.leader;
      }
    }
  }
}
