import type { IpFamily } from '@overlay/allocation';
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
  /** Held by containers. */
  readonly used: bigint;
  /** Set aside by name, and held by no container. */
  readonly reserved: bigint;
  /** Given back less than the cooldown ago: given out only if nothing is free. */
  readonly cooling: bigint;
  readonly free: bigint;
  /**
   * So many containers can start at once before one gets an address that cools: each needs an address of every
   * family of the half.
   */
  readonly largestBurst: bigint;
  /** Unix milliseconds since when no address is left, see `ExhaustionMoments`; undefined while one is. */
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
  return pools.flatMap((pool) => rowsOf(state, moment, pool));
}

function rowsOf(state: IpamState, moment: CapacityMoment, pool: HalfPool): readonly HalfCapacity[] {
  const rows = pool.families.map((family) => rowOf(state, moment, pool, family));
  let largestBurst = UINT64_MAX;
  for (const { free } of rows) if (free < largestBurst) largestBurst = free;
  return rows.map((row) => ({ ...row, largestBurst }));
}

function rowOf(
  state: IpamState,
  moment: CapacityMoment,
  { definition }: HalfPool,
  pool: FamilyPool,
): Omit<HalfCapacity, 'largestBurst'> {
  const { capacity, freeCount, restingCount } = pool.addresses;
  const left = freeCount + BigInt(restingCount);
  const cooling = coolingCount(state, moment, pool);
  const reserved = reservedCount(state, pool);
  return {
    network: definition.network,
    half: definition.half,
    family: pool.family,
    total: saturated(capacity),
    used: saturated(capacity - left - reserved),
    reserved,
    cooling,
    free: saturated(left - cooling),
    ...(left === 0n ? { exhaustedSinceMs: state.exhaustions.sinceMs(state, definition, pool) } : {}),
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

function reservedCount(state: IpamState, pool: FamilyPool): bigint {
  let count = 0n;
  for (const { addresses } of state.reservations()) {
    for (const address of addresses) {
      if (pool.addresses.contains(address) && state.holderOf(address) === undefined) count += 1n;
    }
  }
  return count;
}
