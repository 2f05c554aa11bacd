import type { EncodedFrame } from './encode-frame.js';

/** Delta frames that belong to one revision. */
export interface HistoryEntry {
  readonly revision: bigint;
  readonly frames: readonly EncodedFrame[];
}

/** The last deltas, so that a watcher that was away for a moment needs no snapshot. */
export class TopologyHistory {
  readonly #entries: HistoryEntry[] = [];
  readonly #capacity: number;
  /** Every delta after this revision is held; undefined before the first entry, which is the loaded log. */
  #floor: bigint | undefined;
  #latest = 0n;

  /** @param capacity how many entries are kept. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Revision that a watcher has when it knows everything held here. */
  get latest(): bigint {
    return this.#latest;
  }

  /** Adds the deltas that lead to a revision; revisions only grow. */
  add(entry: HistoryEntry): void {
    if (this.#floor === undefined) {
      this.#floor = entry.revision;
      this.#latest = entry.revision;
      return;
    }
    this.#entries.push(entry);
    this.#latest = entry.revision;
    // Trimmed in bulk: shifting an array once per entry would cost its length each time.
    if (this.#entries.length < this.#capacity * 2) return;
    const dropped = this.#entries.splice(0, this.#entries.length - this.#capacity);
    this.#floor = dropped.at(-1)?.revision ?? this.#floor;
  }

  /** The deltas after a revision; undefined if the history does not reach back, or not up, to it. */
  since(revision: bigint): readonly HistoryEntry[] | undefined {
    if (this.#floor === undefined || revision < this.#floor || revision > this.#latest) return undefined;
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#entries.slice(low);
  }
}
