import { type IpFamily, interfaceIp } from '@overlay/allocation';
import type { BridgeKind, NetworkName } from '@overlay/model';
import type { FamilyPool, HalfPool } from './half-pool.js';
import type { IpamState } from './ipam-state.js';

/** How full one family of one half is. Counts saturate at 2^64-1. */
export interface HalfCapacity {
  readonly network: NetworkName;
  readonly half: BridgeKind;
  readonly family: IpFamily;
  /** Addresses that can ever be given to containers. */
  readonly total: bigint;
  readonly used: bigint;
  readonly free: bigint;
  /** Unix milliseconds of the allocation that took the last address; undefined while one is free. */
  readonly exhaustedSinceMs?: number;
}

const UINT64_MAX = 2n ** 64n - 1n;

/** One row per network, half and family; only of one network if named. */
export function capacityOf(state: IpamState, network?: string): readonly HalfCapacity[] {
  const pools = state
    .pools()
    .filter(({ definition }) => network === undefined || definition.network === network);
  return pools.flatMap((pool) => pool.families.map((family) => rowOf(state, pool, family)));
}

function rowOf(state: IpamState, { definition }: HalfPool, pool: FamilyPool): HalfCapacity {
  const { capacity, freeCount } = pool.addresses;
  return {
    network: definition.network,
    half: definition.half,
    family: pool.family,
    total: saturated(capacity),
    used: saturated(capacity - freeCount),
    free: saturated(freeCount),
    ...(freeCount === 0n ? { exhaustedSinceMs: latestAllocationMs(state, pool) } : {}),
  };
}

function saturated(count: bigint): bigint {
  return count > UINT64_MAX ? UINT64_MAX : count;
}

function latestAllocationMs(state: IpamState, pool: FamilyPool): number {
  let latestMs = 0;
  for (const record of state.allocations()) {
    const here = record.addresses.some(({ address }) => pool.addresses.contains(interfaceIp(address)));
    if (here && record.allocatedAtMs > latestMs) latestMs = record.allocatedAtMs;
  }
  return latestMs;
}
