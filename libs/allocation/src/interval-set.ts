import type { Integer, Integers } from './integers.js';
import { OrderedMap } from './ordered-map.js';

/** The integers from `first` to `last`, both inclusive; `first` is not above `last`. */
export interface Interval<T extends Integer> {
  readonly first: T;
  readonly last: T;
}

/**
 * A set of integers, kept as disjoint intervals that never touch: memory follows the number of gaps, not the
 * number of members. Every operation is O(log n) in the number of intervals (adding or removing an interval:
 * also linear in those it swallows).
 */
export class IntervalSet<T extends Integer> {
  readonly #integers: Integers<T>;
  /**
   * From each interval's last member to its first. Keyed by the end, the interval around a value is the
   * ceiling of the value, and taking members off the low end changes no key.
   */
  readonly #firstByLast = new OrderedMap<T, T>();
  #count: T;

  constructor(integers: Integers<T>) {
    this.#integers = integers;
    this.#count = integers.zero;
  }

  /** The number of members. */
  get count(): T {
    return this.#count;
  }

  /** The lowest member. */
  lowest(): T | undefined {
    return this.#firstByLast.lowest()?.value;
  }

  /** Removes the lowest member and returns it. */
  takeLowest(): T | undefined {
    const { one, plus, minus } = this.#integers;
    const entry = this.#firstByLast.lowest();
    if (entry === undefined) return undefined;
    if (entry.value === entry.key) this.#firstByLast.delete(entry.key);
    else this.#firstByLast.set(entry.key, plus(entry.value, one));
    this.#count = minus(this.#count, one);
    return entry.value;
  }

  /** True if the value is a member. */
  contains(value: T): boolean {
    const around = this.#firstByLast.ceiling(value);
    return around !== undefined && around.value <= value;
  }

  /** Adds every integer from `first` to `last`, inclusive; false if all were there already. */
  insert(first: T, last: T = first): boolean {
    const { one, plus, minus } = this.#integers;
    const countBefore = this.#count;
    let lowEnd = first;
    let highEnd = last;
    const touchesFrom = minus(first, one);
    const touchesTo = plus(last, one);
    let next = this.#firstByLast.ceiling(touchesFrom);
    while (next !== undefined && next.value <= touchesTo) {
      if (next.value < lowEnd) lowEnd = next.value;
      this.#count = minus(this.#count, this.#length(next.value, next.key));
      if (next.key >= highEnd) {
        highEnd = next.key;
        break;
      }
      this.#firstByLast.delete(next.key);
      next = this.#firstByLast.ceiling(touchesFrom);
    }
    this.#firstByLast.set(highEnd, lowEnd);
    this.#count = plus(this.#count, this.#length(lowEnd, highEnd));
    return this.#count !== countBefore;
  }

  /** Removes every integer from `first` to `last`, inclusive; false if none was there. */
  remove(first: T, last: T = first): boolean {
    const { one, plus, minus } = this.#integers;
    const countBefore = this.#count;
    let next = this.#firstByLast.ceiling(first);
    while (next !== undefined && next.value <= last) {
      const from = next.value < first ? first : next.value;
      const to = next.key > last ? last : next.key;
      this.#count = minus(this.#count, this.#length(from, to));
      if (next.key > last) this.#firstByLast.set(next.key, plus(last, one));
      else this.#firstByLast.delete(next.key);
      if (next.value < first) this.#firstByLast.set(minus(first, one), next.value);
      next = this.#firstByLast.ceiling(first);
    }
    return this.#count !== countBefore;
  }

  /** Every interval in ascending order; the set must not change meanwhile. */
  *intervals(): Generator<Interval<T>> {
    for (const { key, value } of this.#firstByLast.entries()) yield { first: value, last: key };
  }

  #length(first: T, last: T): T {
    const { one, plus, minus } = this.#integers;
    return plus(minus(last, first), one);
  }
}
