import { type IpAddress, TurnOrder } from '@overlay/allocation';
import type { HostInstant } from '../host-clock.js';

/** An address that a container gave back, until it is given out again. */
export interface FreedAddress {
  readonly address: IpAddress;
  /** Counts the addresses given back: the lower, the earlier. */
  readonly turn: number;
  readonly freedAt: HostInstant;
}

/** The addresses that were given back, in the order in which that happened. */
export class FreedAddresses {
  readonly #order = new TurnOrder<IpAddress>();
  readonly #records = new Map<IpAddress, FreedAddress>();
  #nextTurn = 1;

  /** How many there are. */
  get count(): number {
    return this.#records.size;
  }

  /** The turn of the next one, higher than every turn that ever was. */
  get nextTurn(): number {
    return this.#nextTurn;
  }

  /** What is known of an address. */
  of(address: IpAddress): FreedAddress | undefined {
    return this.#records.get(address);
  }

  /** Adds or replaces an address. */
  add(freed: FreedAddress): void {
    this.remove(freed.address);
    this.#order.add(freed.address, freed.turn);
    this.#records.set(freed.address, freed);
    this.#nextTurn = Math.max(this.#nextTurn, freed.turn + 1);
  }

  /** Removes an address and returns what was known of it. */
  remove(address: IpAddress): FreedAddress | undefined {
    const freed = this.#records.get(address);
    if (freed === undefined) return undefined;
    this.#order.remove(address);
    this.#records.delete(address);
    return freed;
  }

  /** Every one from the longest free on; they must not change meanwhile. */
  *oldestFirst(): Generator<FreedAddress> {
    for (const { key } of this.#order.ascending()) {
      const freed = this.#records.get(key);
      if (freed !== undefined) yield freed;
    }
  }
}

/** True while an address has to cool, unless nothing else is free. Both moments are of the same boot. */
export function isCooling(freed: FreedAddress, at: HostInstant, cooldownMs: number): boolean {
  return at.uptimeMs < freed.freedAt.uptimeMs + cooldownMs;
}
