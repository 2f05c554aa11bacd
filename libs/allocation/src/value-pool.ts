import { OverlayError } from '@overlay/failure';
import { IndexPool } from './index-pool.js';
import type { Integer } from './integers.js';
import type { Numbering } from './numbering.js';
import type { QuarantineTerm } from './quarantine.js';

/**
 * Hands out values, the lowest free first. Each value is free, taken, or in quarantine: given back, but kept
 * for the node that had it. Every operation is O(log n) or better and memory follows fragmentation, however
 * many values the pool has.
 *
 * The pool has no clock. `nowMs` is a reading of the caller's monotonic clock; a call that carries it first
 * frees the values whose quarantine is over, so the calls and counts without it speak of the latest `nowMs`
 * that the pool was told.
 *
 * To plan first and act later, look with {@link lowestFree} or {@link lowestFreeFor} and take what they
 * named with {@link reserve}.
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

  /** True if the value is one that the pool can hand out. */
  contains(value: V): boolean {
    const index = this.#numbering.indexOf(value);
    return index !== undefined && this.#indexes.contains(index);
  }

  /** True if the value is neither taken nor in quarantine nor foreign. */
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
   * Takes this very value; false if it is taken, or in quarantine for anyone but `owner`.
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
