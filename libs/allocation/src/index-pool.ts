import { OverlayError } from '@overlay/failure';
import type { Integer, Integers } from './integers.js';
import { IntervalSet } from './interval-set.js';
import { Quarantine, type QuarantineTerm } from './quarantine.js';
import { TurnOrder } from './turn-order.js';

/** What an {@link IndexPool} holds. */
export interface IndexPoolOptions<T extends Integer> {
  /** The pool holds the indexes from 0 to `size` - 1. */
  readonly size: T;
  /** Indexes that are never handed out and do not count. */
  readonly excluded?: readonly T[];
  /** The name of an index in error messages. */
  readonly describe: (index: T) => string;
}

/**
 * Hands out indexes, the lowest free first. Each is free, taken, in quarantine, where it waits for its former
 * owner, or resting: given back, and to be handed out again after every free one. Memory follows
 * fragmentation; every operation is O(log n) or better. Time stands still between calls that carry `nowMs`:
 * such a call first frees the indexes whose quarantine is over.
 */
export class IndexPool<T extends Integer> {
  /** How many indexes the pool can hand out, whatever state they are in. */
  readonly capacity: T;
  readonly #integers: Integers<T>;
  readonly #size: T;
  readonly #excluded: ReadonlySet<T>;
  readonly #describe: (index: T) => string;
  readonly #free: IntervalSet<T>;
  readonly #quarantine: Quarantine<T>;
  readonly #resting = new TurnOrder<T>();

  constructor(integers: Integers<T>, options: IndexPoolOptions<T>) {
    this.#integers = integers;
    this.#size = options.size;
    this.#excluded = new Set(options.excluded);
    this.#describe = options.describe;
    this.#quarantine = new Quarantine(integers);
    this.#free = new IntervalSet(integers);
    if (this.#size > integers.zero) {
      this.#free.insert(integers.zero, integers.minus(this.#size, integers.one));
    }
    for (const index of this.#excluded) this.#free.remove(index);
    this.capacity = this.#free.count;
  }

  /** How many indexes are free. */
  get freeCount(): T {
    return this.#free.count;
  }

  /** How many indexes wait for their former owner. */
  get quarantinedCount(): number {
    return this.#quarantine.count;
  }

  /** How many indexes rest. */
  get restingCount(): number {
    return this.#resting.count;
  }

  /** True if the index is one that the pool can hand out. */
  contains(index: T): boolean {
    return index >= this.#integers.zero && index < this.#size && !this.#excluded.has(index);
  }

  /** True if the index is neither taken nor in quarantine nor resting nor foreign. */
  isFree(index: T): boolean {
    return this.#free.contains(index);
  }

  /** The index's quarantine. */
  quarantineOf(index: T): QuarantineTerm | undefined {
    return this.#quarantine.termOf(index);
  }

  /** The index that {@link allocate} would take. */
  lowestFree(): T | undefined {
    return this.#free.lowest();
  }

  /** The lowest free index; if none is free, the resting one with the lowest turn. */
  nextInTurn(): T | undefined {
    return this.#free.lowest() ?? this.#resting.first();
  }

  /** The turn of a resting index. */
  turnOf(index: T): number | undefined {
    return this.#resting.turnOf(index);
  }

  /** The resting indexes from the highest turn down; the pool must not change meanwhile. */
  *restingDescending(): Generator<T> {
    for (const { key } of this.#resting.descending()) yield key;
  }

  /** The index that {@link allocateFor} would take. */
  lowestFreeFor(owner: string, nowMs: number): T | undefined {
    this.expire(nowMs);
    return this.#quarantine.lowestOf(owner) ?? this.#free.lowest();
  }

  /** Takes the lowest free index; undefined if none is left. */
  allocate(): T | undefined {
    return this.#free.takeLowest();
  }

  /** Takes the lowest index in quarantine for the owner, else the lowest free; undefined if none is left. */
  allocateFor(owner: string, nowMs: number): T | undefined {
    this.expire(nowMs);
    const index = this.#quarantine.lowestOf(owner);
    if (index === undefined) return this.allocate();
    this.#quarantine.remove(index);
    return index;
  }

  /**
   * Takes this very index, also if it rests; false if it is taken, or in quarantine for anyone but `owner`.
   * @throws OverlayError `internal` if the index is foreign.
   */
  reserve(index: T, owner?: string): boolean {
    this.#requireOwn(index);
    const term = this.#quarantine.termOf(index);
    if (term === undefined) return this.#free.remove(index) || this.#resting.remove(index);
    if (term.owner !== owner) return false;
    this.#quarantine.remove(index);
    return true;
  }

  /**
   * Gives a taken index back.
   * @throws OverlayError `internal` if the index is not taken, or foreign.
   */
  free(index: T): void {
    this.#requireNotWaiting(index);
    if (!this.#free.insert(index)) throw this.#freeAlready(index);
  }

  /**
   * Gives a taken index back, to be handed out after every free one and after those that rest with a lower
   * turn. No other resting index has this turn.
   * @throws OverlayError `internal` if the index is not taken, or foreign.
   */
  rest(index: T, turn: number): void {
    this.#requireNotWaiting(index);
    if (this.#free.contains(index)) throw this.#freeAlready(index);
    this.#resting.add(index, turn);
  }

  /** Frees an index if it rests; false if it does not. */
  wake(index: T): boolean {
    return this.#resting.remove(index) && this.#free.insert(index);
  }

  /**
   * Keeps a taken index for its former owner until `untilMs`; then it is free.
   * @throws OverlayError `internal` if the index is not taken, or foreign.
   */
  quarantine(index: T, owner: string, untilMs: number): void {
    this.#requireNotWaiting(index);
    if (this.#free.contains(index)) throw this.#freeAlready(index);
    this.#quarantine.add(index, { owner, untilMs });
  }

  /** Frees every index whose quarantine is over at `nowMs`. Repeating it is safe. */
  expire(nowMs: number): void {
    for (const index of this.#quarantine.takeExpired(nowMs)) this.#free.insert(index);
  }

  #requireOwn(index: T): void {
    if (this.contains(index)) return;
    throw new OverlayError('internal', `${this.#describe(index)} is not handed out by this pool`);
  }

  #requireNotWaiting(index: T): void {
    this.#requireOwn(index);
    if (this.#resting.turnOf(index) !== undefined) {
      throw new OverlayError('internal', `${this.#describe(index)} was given back already and rests`);
    }
    const term = this.#quarantine.termOf(index);
    if (term === undefined) return;
    const name = this.#describe(index);
    throw new OverlayError('internal', `${name} was given back already and waits for ${term.owner}`);
  }

  #freeAlready(index: T): OverlayError {
    return new OverlayError('internal', `${this.#describe(index)} is free already`);
  }
}
