import { type IpAddress, interfaceIp, type OrderedEntry, OrderedMap } from '@overlay/allocation';
import { ExhaustionMoments } from './exhaustion-moments.js';
import { type FreedAddress, FreedAddresses } from './freed-addresses.js';
import { createHalfPool, type HalfPool } from './half-pool.js';
import {
  type AllocationKey,
  type AllocationRecord,
  type HalfRef,
  type IpamMutation,
  keyOf,
  type PoolDefinition,
} from './records.js';
import { type ReservationKey, type ReservationRecord, reservationKey } from './reservation.js';

/**
 * Everything the planners look at: the pools, the allocations, who holds each address, the reservations, and
 * the order in which addresses were given back. An address is taken while it is held or reserved, or both.
 *
 * An address has at most one holder on the host, whichever network and half it was given out by. So a pool
 * that changes its prefix, or a network that comes back under another id, takes over the addresses that
 * allocations from before still hold as taken, and every other address as free.
 */
export class IpamState {
  /** Since when which halves are full. */
  readonly exhaustions = new ExhaustionMoments();
  #pools = new Map<string, HalfPool>();
  readonly #allocations = new Map<AllocationKey, AllocationRecord>();
  /** The same in the order of the keys, for pages. */
  readonly #ordered = new OrderedMap<string, AllocationRecord>();
  readonly #holders = new Map<IpAddress, AllocationKey>();
  readonly #reservations = new OrderedMap<string, ReservationRecord>();
  readonly #reservedBy = new Map<IpAddress, ReservationKey>();
  readonly #freed = new FreedAddresses();

  /** The pool of a half; undefined if the agent configured none. */
  pool(ref: HalfRef): HalfPool | undefined {
    return this.#pools.get(poolKey(ref));
  }

  /** Every pool in the order in which the agent gave them. */
  pools(): readonly HalfPool[] {
    return [...this.#pools.values()];
  }

  /** What is held under a key. */
  allocation(key: AllocationKey): AllocationRecord | undefined {
    return this.#allocations.get(key);
  }

  /** Every allocation, also of pools that are gone. */
  allocations(): Iterable<AllocationRecord> {
    return this.#allocations.values();
  }

  /** Every allocation whose key is not below `key`, in the order of the keys. The state must not change meanwhile. */
  allocationsFrom(key: string): Iterable<OrderedEntry<string, AllocationRecord>> {
    return this.#ordered.entriesFrom(key);
  }

  /** Who holds an address, whichever pool it came from. */
  holderOf(address: IpAddress): AllocationRecord | undefined {
    const key = this.#holders.get(address);
    return key === undefined ? undefined : this.#allocations.get(key);
  }

  /** The reservation of a key. */
  reservation(key: ReservationKey): ReservationRecord | undefined {
    return this.#reservations.get(key);
  }

  /** Every reservation, also of pools that are gone. */
  *reservations(): Iterable<ReservationRecord> {
    for (const { value } of this.#reservations.entries()) yield value;
  }

  /** As {@link allocationsFrom}. */
  reservationsFrom(key: string): Iterable<OrderedEntry<string, ReservationRecord>> {
    return this.#reservations.entriesFrom(key);
  }

  /** The reservation of an address. */
  reservationOf(address: IpAddress): ReservationRecord | undefined {
    const key = this.#reservedBy.get(address);
    return key === undefined ? undefined : this.#reservations.get(key);
  }

  /** The addresses that were given back and have had no holder since. */
  get freed(): Pick<FreedAddresses, 'count' | 'nextTurn' | 'of' | 'oldestFirst'> {
    return this.#freed;
  }

  /** True if a pool of this host hands the address out. */
  isServed(address: IpAddress): boolean {
    return this.pools().some((pool) => pool.families.some(({ addresses }) => addresses.contains(address)));
  }

  /** Applies a change. @returns the change that takes it back. */
  apply(mutation: IpamMutation): IpamMutation {
    switch (mutation.kind) {
      case 'put_allocation': {
        const key = keyOf(mutation.record);
        const before = this.#drop(key);
        this.#add(key, mutation.record);
        return inverse(key, before);
      }
      case 'delete_allocation':
        return inverse(mutation.key, this.#drop(mutation.key));
      case 'put_reservation': {
        const key = reservationKey(mutation.record);
        const before = this.#unreserve(key);
        this.#reserve(key, mutation.record);
        return inverseOfReservation(key, before);
      }
      case 'delete_reservation':
        return inverseOfReservation(mutation.key, this.#unreserve(mutation.key));
      case 'put_freed':
        return inverseOfFreed(mutation.freed.address, this.#putFreed(mutation.freed));
      case 'delete_freed':
        return inverseOfFreed(mutation.address, this.#deleteFreed(mutation.address));
      case 'replace_pools': {
        const before = this.pools().map((pool) => pool.definition);
        this.#replacePools(mutation.pools);
        return { kind: 'replace_pools', pools: before };
      }
    }
  }

  #add(key: AllocationKey, record: AllocationRecord): void {
    this.#allocations.set(key, record);
    this.#ordered.set(key, record);
    for (const address of heldBy(record)) {
      this.#holders.set(address, key);
      for (const pool of this.#pools.values()) takeFrom(pool, address);
    }
  }

  #drop(key: AllocationKey): AllocationRecord | undefined {
    const record = this.#allocations.get(key);
    if (record === undefined) return undefined;
    this.#allocations.delete(key);
    this.#ordered.delete(key);
    for (const address of heldBy(record)) {
      this.#holders.delete(address);
      this.#giveBack(address);
    }
    return record;
  }

  #reserve(key: ReservationKey, record: ReservationRecord): void {
    this.#reservations.set(key, record);
    for (const address of record.addresses) {
      this.#reservedBy.set(address, key);
      for (const pool of this.#pools.values()) takeFrom(pool, address);
    }
  }

  #unreserve(key: ReservationKey): ReservationRecord | undefined {
    const record = this.#reservations.get(key);
    if (record === undefined) return undefined;
    this.#reservations.delete(key);
    for (const address of record.addresses) {
      this.#reservedBy.delete(address);
      this.#giveBack(address);
    }
    return record;
  }

  #giveBack(address: IpAddress): void {
    if (this.#holders.has(address) || this.#reservedBy.has(address)) return;
    for (const pool of this.#pools.values()) giveBackTo(pool, address);
  }

  #putFreed(freed: FreedAddress): FreedAddress | undefined {
    const before = this.#deleteFreed(freed.address);
    this.#freed.add(freed);
    for (const pool of this.#pools.values()) restIn(pool, freed);
    return before;
  }

  #deleteFreed(address: IpAddress): FreedAddress | undefined {
    for (const pool of this.#pools.values()) wakeIn(pool, address);
    return this.#freed.remove(address);
  }

  #replacePools(definitions: readonly PoolDefinition[]): void {
    const next = new Map<string, HalfPool>();
    for (const definition of definitions) {
      const pool = createHalfPool(definition);
      for (const address of this.#holders.keys()) takeFrom(pool, address);
      for (const address of this.#reservedBy.keys()) takeFrom(pool, address);
      for (const freed of this.#freed.oldestFirst()) restIn(pool, freed);
      next.set(poolKey(definition), pool);
    }
    this.#pools = next;
  }
}

function poolKey(ref: HalfRef): string {
  return `${ref.network}/${ref.half}`;
}

function heldBy(record: AllocationRecord): readonly IpAddress[] {
  return record.addresses.map((held) => interfaceIp(held.address));
}

function inverse(key: AllocationKey, before: AllocationRecord | undefined): IpamMutation {
  return before === undefined
    ? { kind: 'delete_allocation', key }
    : { kind: 'put_allocation', record: before };
}

function inverseOfReservation(key: ReservationKey, before: ReservationRecord | undefined): IpamMutation {
  return before === undefined
    ? { kind: 'delete_reservation', key }
    : { kind: 'put_reservation', record: before };
}

function inverseOfFreed(address: IpAddress, before: FreedAddress | undefined): IpamMutation {
  return before === undefined ? { kind: 'delete_freed', address } : { kind: 'put_freed', freed: before };
}

function takeFrom(pool: HalfPool, address: IpAddress): void {
  for (const { addresses } of pool.families) {
    if (addresses.contains(address)) addresses.reserve(address);
  }
}

function giveBackTo(pool: HalfPool, address: IpAddress): void {
  for (const { addresses } of pool.families) {
    if (addresses.contains(address)) addresses.free(address);
  }
}

/** Lets an address rest unless it is taken. */
function restIn(pool: HalfPool, { address, turn }: FreedAddress): void {
  for (const { addresses } of pool.families) {
    if (addresses.contains(address) && addresses.reserve(address)) addresses.rest(address, turn);
  }
}

function wakeIn(pool: HalfPool, address: IpAddress): void {
  for (const { addresses } of pool.families) {
    if (addresses.contains(address)) addresses.wake(address);
  }
}
