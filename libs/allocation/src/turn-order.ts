import { OrderedMap } from './ordered-map.js';

/** A key with its turn. */
export interface Turn<K> {
  readonly key: K;
  /** The lower, the earlier. */
  readonly turn: number;
}

/** Keys in the order of their turns, each with one turn and each turn with one key. Every operation is O(log n). */
export class TurnOrder<K> {
  readonly #turns = new Map<K, number>();
  readonly #keys = new OrderedMap<number, K>();

  /** The number of keys. */
  get count(): number {
    return this.#turns.size;
  }

  /** The key's turn. */
  turnOf(key: K): number | undefined {
    return this.#turns.get(key);
  }

  /** The key with the lowest turn. */
  first(): K | undefined {
    return this.#keys.lowest()?.value;
  }

  /** Adds a key that is not there, with a turn that no key has. */
  add(key: K, turn: number): void {
    this.#turns.set(key, turn);
    this.#keys.set(turn, key);
  }

  /** Removes the key; false if it is not there. */
  remove(key: K): boolean {
    const turn = this.#turns.get(key);
    if (turn === undefined) return false;
    this.#turns.delete(key);
    return this.#keys.delete(turn);
  }

  /** Every key from the lowest turn on; the order must not change meanwhile. */
  *ascending(): Generator<Turn<K>> {
    for (const { key, value } of this.#keys.entries()) yield { key: value, turn: key };
  }

  /** Every key from the highest turn down; the order must not change meanwhile. */
  *descending(): Generator<Turn<K>> {
    for (const { key, value } of this.#keys.entriesDescending()) yield { key: value, turn: key };
  }
}
