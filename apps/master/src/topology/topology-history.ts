import type { LogPosition } from '@overlay/overlay-log';
import type { EncodedFrame } from './encode-frame.js';

/** Delta frames that lead to one position, through commits of its term. */
export interface HistoryEntry extends LogPosition {
  readonly frames: readonly EncodedFrame[];
  /**
   * True if the frames tell the difference of two states and not what happened between them: whoever knows a position in
   * between may know of what came and went, and would not hear that it went.
   */
  readonly isLeap?: boolean;
}

/** The last deltas, so that a watcher that was away for a moment needs no snapshot. */
export class TopologyHistory {
  readonly #entries: HistoryEntry[] = [];
  readonly #capacity: number;
  /** Every delta after it is held; undefined before the first entry, which is the loaded log. */
  #floor: LogPosition | undefined;
  #latest: LogPosition = { revision: 0n, term: '' };

  /** @param capacity how many entries are kept. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Where a watcher is when it knows everything held here. */
  get latest(): LogPosition {
    return this.#latest;
  }

  /** Adds the deltas that lead to a position. If its revision does not grow it is in another log, and all begins there. */
  add(entry: HistoryEntry): void {
    if (this.#floor === undefined || entry.revision <= this.#latest.revision) {
      this.#entries.length = 0;
      this.#floor = entry;
      this.#latest = entry;
      return;
    }
    this.#entries.push(entry);
    this.#latest = entry;
    // Trimmed in bulk: shifting an array once per entry would cost its length each time.
    if (this.#entries.length < this.#capacity * 2) return;
    const dropped = this.#entries.splice(0, this.#entries.length - this.#capacity);
    this.#floor = dropped.at(-1) ?? this.#floor;
  }

  /**
   * The deltas after a commit; undefined if the history does not reach back, or not up, to it, or if it was not made
   * under this term here: who knows it comes from another log.
   * @param term '' if it is not known.
   */
  since({ revision, term }: LogPosition): readonly HistoryEntry[] | undefined {
    const floor = this.#floor;
    if (floor === undefined || revision < floor.revision || revision > this.#latest.revision)
      return undefined;
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.revision <= revision) low = middle + 1;
      else high = middle;
    }
    const before = this.#entries[low - 1] ?? floor;
    const next = this.#entries[low];
    const isBetween = before.revision !== revision;
    if (isBetween && next?.isLeap === true) return undefined;
    const reached = isBetween ? next : before;
    return term === '' || term === reached?.term ? this.#entries.slice(low) : undefined;
  }
}
