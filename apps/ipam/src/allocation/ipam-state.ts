import { type IpAddress, interfaceIp } from '@overlay/allocation';
import { createHalfPool, type HalfPool } from './half-pool.js';
import {
  type AllocationKey,
  type AllocationRecord,
  type HalfRef,
  type IpamMutation,
  keyOf,
  type PoolDefinition,
} from './records.js';

/**
 * Everything the planners look at: the pools, the allocations, and who holds each address.
 *
 * An address has at most one holder on the host, whichever network and half it was given out by. So a pool
 * that changes its prefix, or a network that comes back under another id, takes over the addresses that
 * allocations from before still hold as taken, and every other address as free.
 */
export class IpamState {
  #pools = new Map<string, HalfPool>();
  readonly #allocations = new Map<AllocationKey, AllocationRecord>();
  readonly #holders = new Map<IpAddress, AllocationKey>();

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

  /** Who holds an address, whichever pool it came from. */
  holderOf(address: IpAddress): AllocationRecord | undefined {
    const key = this.#holders.get(address);
    return key === undefined ? undefined : this.#allocations.get(key);
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
      case 'replace_pools': {
        const before = this.pools().map((pool) => pool.definition);
        this.#replacePools(mutation.pools);
        return { kind: 'replace_pools', pools: before };
      }
    }
  }

  #add(key: AllocationKey, record: AllocationRecord): void {
    this.#allocations.set(key, record);
    for (const address of heldBy(record)) {
      this.#holders.set(address, key);
      for (const pool of this.#pools.values()) takeFrom(pool, address);
    }
  }

  #drop(key: AllocationKey): AllocationRecord | undefined {
    const record = this.#allocations.get(key);
    if (record === undefined) return undefined;
    this.#allocations.delete(key);
    for (const address of heldBy(record)) {
      this.#holders.delete(address);
      for (const pool of this.#pools.values()) giveBackTo(pool, address);
    }
    return record;
  }

  #replacePools(definitions: readonly PoolDefinition[]): void {
    const next = new Map<string, HalfPool>();
    for (const definition of definitions) {
      const pool = createHalfPool(definition);
      for (const address of this.#holders.keys()) takeFrom(pool, address);
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
