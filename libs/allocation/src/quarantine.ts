import type { Integer, Integers } from './integers.js';
import { IntervalSet } from './interval-set.js';
import { OrderedMap } from './ordered-map.js';

/** Who alone may have a value back, and until when. */
export interface QuarantineTerm {
  readonly owner: string;
  /** The first instant at which the term is over, in milliseconds of the caller's monotonic clock. */
  readonly untilMs: number;
}

/** The indexes that wait for their former owner, found by index, by owner and by the end of their term. */
export class Quarantine<T extends Integer> {
  readonly #integers: Integers<T>;
  readonly #terms = new Map<T, QuarantineTerm>();
  readonly #byOwner = new Map<string, IntervalSet<T>>();
  readonly #byEndMs = new OrderedMap<number, Set<T>>();

  constructor(integers: Integers<T>) {
    this.#integers = integers;
  }

  /** The number of indexes. */
  get count(): number {
    return this.#terms.size;
  }

  /** The index's term, also when it is over but {@link takeExpired} did not run since. */
  termOf(index: T): QuarantineTerm | undefined {
    return this.#terms.get(index);
  }

  /** The lowest index that waits for the owner. */
  lowestOf(owner: string): T | undefined {
    return this.#byOwner.get(owner)?.lowest();
  }

  /** Adds an index that is not in quarantine. */
  add(index: T, term: QuarantineTerm): void {
    this.#terms.set(index, term);
    const owned = this.#byOwner.get(term.owner) ?? new IntervalSet(this.#integers);
    owned.insert(index);
    this.#byOwner.set(term.owner, owned);
    const ending = this.#byEndMs.get(term.untilMs);
    if (ending === undefined) this.#byEndMs.set(term.untilMs, new Set([index]));
    else ending.add(index);
  }

  /** Ends the index's term early; nothing happens if it has none. */
  remove(index: T): void {
    const term = this.#terms.get(index);
    if (term === undefined) return;
    this.#forget(index, term);
    const ending = this.#byEndMs.get(term.untilMs);
    ending?.delete(index);
    if (ending?.size === 0) this.#byEndMs.delete(term.untilMs);
  }

  /** Removes and returns the indexes whose term is over at `nowMs`. */
  takeExpired(nowMs: number): readonly T[] {
    const expired: T[] = [];
    for (let next = this.#byEndMs.lowest(); next !== undefined && next.key <= nowMs; ) {
      for (const index of next.value) {
        this.#forget(index, this.#terms.get(index));
        expired.push(index);
      }
      this.#byEndMs.delete(next.key);
      next = this.#byEndMs.lowest();
    }
    return expired;
  }

  #forget(index: T, term: QuarantineTerm | undefined): void {
    this.#terms.delete(index);
    if (term === undefined) return;
    const owned = this.#byOwner.get(term.owner);
    owned?.remove(index);
    if (owned?.lowest() === undefined) this.#byOwner.delete(term.owner);
  }
}
