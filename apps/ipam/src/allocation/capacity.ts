import { type IpFamily, interfaceIp } from '@overlay/allocation';
import type { BridgeKind, NetworkName } from '@overlay/model';
import type { HostInstant } from '../host-clock.js';
import { isCooling } from './freed-addresses.js';
import type { FamilyPool, HalfPool } from './half-pool.js';
import type { IpamState } from './ipam-state.js';

/** How full one family of one half is. Counts saturate at 2^64-1. */
export interface HalfCapacity {
  readonly network: NetworkName;
  readonly half: BridgeKind;
  readonly family: IpFamily;
  /** Addresses that can ever be given to containers: those below together. */
  readonly total: bigint;
  readonly used: bigint;
  /** Given back less than the cooldown ago: given out only if nothing is free. */
  readonly cooling: bigint;
  readonly free: bigint;
  /** Unix milliseconds of the allocation that took the last address; undefined while one is left. */
  readonly exhaustedSinceMs?: number;
}

/** The moment for which a capacity is told, and how long addresses cool. */
export interface CapacityMoment {
  readonly at: HostInstant;
  readonly cooldownMs: number;
}

const UINT64_MAX = 2n ** 64n - 1n;

/** One row per network, half and family; only of one network if named. */
export function capacityOf(
  state: IpamState,
  moment: CapacityMoment,
  network?: string,
): readonly HalfCapacity[] {
  const pools = state
    .pools()
    .filter(({ definition }) => network === undefined || definition.network === network);
  return pools.flatMap((pool) => pool.families.map((family) => rowOf(state, moment, pool, family)));
}

function rowOf(
  state: IpamState,
  moment: CapacityMoment,
  { definition }: HalfPool,
  pool: FamilyPool,
): HalfCapacity {
  const { capacity, freeCount, restingCount } = pool.addresses;
  const left = freeCount + BigInt(restingCount);
  const cooling = coolingCount(state, moment, pool);
  return {
    network: definition.network,
    half: definition.half,
    family: pool.family,
    total: saturated(capacity),
    used: saturated(capacity - left),
    cooling,
    free: saturated(left - cooling),
    ...(left === 0n ? { exhaustedSinceMs: latestAllocationMs(state, pool) } : {}),
  };
}

function coolingCount(state: IpamState, { at, cooldownMs }: CapacityMoment, pool: FamilyPool): bigint {
  let count = 0n;
  for (const address of pool.addresses.restingDescending()) {
    const freed = state.freed.of(address);
    if (freed === undefined || !isCooling(freed, at, cooldownMs)) break;
    count += 1n;
  }
  return count;
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
