/** A generator of numbers that one seed makes the same in every run (mulberry32). */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  /** @param seed a whole number below 2^32. */
  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed;
  }

  /** The seed that a person gave to repeat a run, else one of this moment. */
  static fromEnvironment(): SeededRandom {
    const given = process.env.OVERLAY_SEED;
    return new SeededRandom((given === undefined ? Date.now() : Number(given)) >>> 0);
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** The items in an order of chance. */
  shuffle<T>(items: readonly T[]): readonly T[] {
    return items
      .map((item) => ({ item, rank: this.next() }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  }
}
