import { type IpFamily, interfaceIp } from '@overlay/allocation';
import type { FamilyPool } from './half-pool.js';
import type { IpamState } from './ipam-state.js';
import type { HalfRef } from './records.js';

/**
 * Since when the halves have no address left. The moment is noted when a commit leaves nothing, and stands until one
 * leaves something: what changes hands meanwhile, by a repeated ADD or out of a reservation, does not move it.
 *
 * It is not stored. A process that finds a half full at its start notes the latest taking that the records tell: the
 * half is full since then at least.
 */
export class ExhaustionMoments {
  #sinceMs: ReadonlyMap<string, number> = new Map();

  /** Looks which halves are full. To be called at the start and behind each commit. */
  note(state: IpamState): void {
    const sinceMs = new Map<string, number>();
    for (const { definition, families } of state.pools()) {
      for (const pool of families) {
        const { freeCount, restingCount } = pool.addresses;
        if (freeCount > 0n || restingCount > 0) continue;
        const key = keyOf(definition, pool.family);
        sinceMs.set(key, this.#sinceMs.get(key) ?? latestTakingMs(state, pool));
      }
    }
    this.#sinceMs = sinceMs;
  }

  /** Unix milliseconds since when a family of a half, which is full now, has been so. */
  sinceMs(state: IpamState, half: HalfRef, pool: FamilyPool): number {
    return this.#sinceMs.get(keyOf(half, pool.family)) ?? latestTakingMs(state, pool);
  }
}

function keyOf({ network, half }: HalfRef, family: IpFamily): string {
  return `${network}/${half}/${family}`;
}

function latestTakingMs(state: IpamState, pool: FamilyPool): number {
  let latestMs = 0;
  for (const { addresses, allocatedAtMs } of state.allocations()) {
    const here = addresses.some(({ address }) => pool.addresses.contains(interfaceIp(address)));
    if (here) latestMs = Math.max(latestMs, allocatedAtMs);
  }
  for (const { addresses, reservedAtMs } of state.reservations()) {
    if (addresses.some((address) => pool.addresses.contains(address))) {
      latestMs = Math.max(latestMs, reservedAtMs);
    }
  }
  return latestMs;
}
