/** A whole number. One structure never mixes the two kinds: `number` is fast, `bigint` has no limit. */
export type Integer = number | bigint;

/** The arithmetic of one kind of whole number, so that each structure is written once for both. */
export interface Integers<T extends Integer> {
  readonly zero: T;
  readonly one: T;
  plus(a: T, b: T): T;
  minus(a: T, b: T): T;
  /** The value in this kind; the caller knows that it fits. */
  of(value: bigint): T;
}

/** Whole numbers from -(2^53-1) to 2^53-1. */
export const NUMBERS: Integers<number> = {
  zero: 0,
  one: 1,
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  of: Number,
};

/** Whole numbers without limit. */
export const BIGINTS: Integers<bigint> = {
  zero: 0n,
  one: 1n,
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  of: (value) => value,
};

/** The faster kind that can count to `size`. */
export function integersFor(size: bigint): Integers<Integer> {
  return size <= BigInt(Number.MAX_SAFE_INTEGER) ? NUMBERS : BIGINTS;
}
