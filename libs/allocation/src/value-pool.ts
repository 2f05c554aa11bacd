import { OverlayError } from '@overlay/failure';
import { IndexPool } from './index-pool.js';
import type { Integer } from './integers.js';
import type { Numbering } from './numbering.js';
import type { QuarantineTerm } from './quarantine.js';

/**
 * Hands out values, the lowest free first. Each value is free, taken, in quarantine (given back, but kept for
 * the node that had it), or resting (given back, and to be handed out only when nothing is free, in the order
 * of turns). Every operation is O(log n) or better and memory follows fragmentation, however many values the
 * pool has.
 *
 * The pool has no clock. `nowMs` is a reading of the caller's monotonic clock; a call that carries it first
 * frees the values whose quarantine is over, so the calls and counts without it speak of the latest `nowMs`
 * that the pool was told.
 *
 * To plan first and act later, look with {@link lowestFree}, {@link lowestFreeFor} or {@link nextInTurn} and
 * take what they named with {@link reserve}. Resting values are handed out in no other way.
 */
export class ValuePool<V extends string> {
  readonly #numbering: Numbering<V>;
  readonly #indexes: IndexPool<Integer>;

  /** @throws OverlayError `internal` if an excluded value has no number. */
  constructor(numbering: Numbering<V>, excluded: readonly V[] = []) {
    this.#numbering = numbering;
    this.#indexes = new IndexPool(numbering.integers, {
      size: numbering.size,
      excluded: excluded.map((value) => this.#own(value)),
      describe: (index) => numbering.valueAt(index),
    });
  }

  /** How many values the pool can hand out, whatever state they are in. */
  get capacity(): bigint {
    return BigInt(this.#indexes.capacity);
  }

  /** How many values are free. */
  get freeCount(): bigint {
    return BigInt(this.#indexes.freeCount);
  }

  /** How many values wait for their former owner. */
  get quarantinedCount(): number {
    return this.#indexes.quarantinedCount;
  }

  /** How many values rest. */
  get restingCount(): number {
    return this.#indexes.restingCount;
  }

  /** True if the value is one that the pool can hand out. */
  contains(value: V): boolean {
    const index = this.#numbering.indexOf(value);
    return index !== undefined && this.#indexes.contains(index);
  }

  /** True if the value is neither taken nor in quarantine nor resting nor foreign. */
  isFree(value: V): boolean {
    const index = this.#numbering.indexOf(value);
    return index !== undefined && this.#indexes.isFree(index);
  }

  /** Whom the value waits for, and until when; undefined if it is not in quarantine. */
  quarantineOf(value: V): QuarantineTerm | undefined {
    const index = this.#numbering.indexOf(value);
    return index === undefined ? undefined : this.#indexes.quarantineOf(index);
  }

  /** The value that {@link allocate} would take; changes nothing. */
  lowestFree(): V | undefined {
    return this.#valueAt(this.#indexes.lowestFree());
  }

  /** The lowest free value; if none is free, the resting one with the lowest turn. Changes nothing. */
  nextInTurn(): V | undefined {
    return this.#valueAt(this.#indexes.nextInTurn());
  }

  /** The turn of a resting value; undefined if it does not rest. */
  turnOf(value: V): number | undefined {
    const index = this.#numbering.indexOf(value);
    return index === undefined ? undefined : this.#indexes.turnOf(index);
  }

  /** The resting values from the highest turn down; the pool must not change meanwhile. */
  *restingDescending(): Generator<V> {
    for (const index of this.#indexes.restingDescending()) yield this.#numbering.valueAt(index);
  }

  /** The value that {@link allocateFor} would take; takes nothing. */
  lowestFreeFor(owner: string, nowMs: number): V | undefined {
    return this.#valueAt(this.#indexes.lowestFreeFor(owner, nowMs));
  }

  /** Takes the lowest free value; undefined if none is left. */
  allocate(): V | undefined {
    return this.#valueAt(this.#indexes.allocate());
  }

  /** Takes the lowest value in quarantine for the owner, else the lowest free; undefined if none is left. */
  allocateFor(owner: string, nowMs: number): V | undefined {
    return this.#valueAt(this.#indexes.allocateFor(owner, nowMs));
  }

  /**
   * Takes this very value, also if it rests; false if it is taken, or in quarantine for anyone but `owner`.
   * @throws OverlayError `internal` if the pool does not hand the value out.
   */
  reserve(value: V, owner?: string): boolean {
    return this.#indexes.reserve(this.#own(value), owner);
  }

  /**
   * Gives a taken value back.
   * @throws OverlayError `internal` if the value is not taken, or the pool does not hand it out.
   */
  free(value: V): void {
    this.#indexes.free(this.#own(value));
  }

  /**
   * Gives a taken value back to rest: {@link nextInTurn} names it after every free value and after those that
   * rest with a lower turn. No other resting value has this turn.
   * @throws OverlayError `internal` if the value is not taken, or the pool does not hand it out.
   */
  rest(value: V, turn: number): void {
    this.#indexes.rest(this.#own(value), turn);
  }

  /**
   * Frees a value if it rests; false if it does not.
   * @throws OverlayError `internal` if the pool does not hand the value out.
   */
  wake(value: V): boolean {
    return this.#indexes.wake(this.#own(value));
  }

  /**
   * Gives a taken value back, but keeps it for its owner; from `untilMs` on it is free.
   * @throws OverlayError `internal` if the value is not taken, or the pool does not hand it out.
   */
  quarantine(value: V, owner: string, untilMs: number): void {
    this.#indexes.quarantine(this.#own(value), owner, untilMs);
  }

  /** Frees every value whose quarantine is over at `nowMs`. Repeating it is safe. */
  expire(nowMs: number): void {
    this.#indexes.expire(nowMs);
  }

  #valueAt(index: Integer | undefined): V | undefined {
    return index === undefined ? undefined : this.#numbering.valueAt(index);
  }

  #own(value: V): Integer {
    const index = this.#numbering.indexOf(value);
    if (index === undefined) throw new OverlayError('internal', `${value} is not handed out by this pool`);
    return index;
  }
}
