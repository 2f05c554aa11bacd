import {
  ADDRESS_BITS,
  type Cidr,
  cidrFamily,
  containsAddress,
  type IpFamily,
  prefixLength,
} from '@overlay/allocation';
import { type FieldViolation, OverlayError } from '@overlay/failure';
import { findOverlaps, type OwnedSubnet } from '@overlay/model';
import { placeOf } from './half-pool.js';
import type { IpamState } from './ipam-state.js';
import type { IpamMutation, Plan, PoolDefinition } from './records.js';
import { type ReservationRecord, reservationKey } from './reservation.js';

/** A half of less than two host bits cannot hold a container next to its gateway: the halves of the longest blocks. */
const MIN_HOST_BITS = 2;

const FAMILIES = [
  ['subnet', 4],
  ['subnet6', 6],
] as const;

/**
 * Replaces the set of pools. Allocations stay as they are: those of a pool that goes remain listed until they
 * are released, and block an address of the new set only if they hold that very address. Reservations stay too while
 * nothing takes their network's place: those of a network whose name or addresses another one has now end with it.
 * @throws OverlayError `invalid_argument` naming every pool that cannot be served.
 */
export function planPools(
  state: IpamState,
  pools: readonly PoolDefinition[],
): Plan<readonly PoolDefinition[]> {
  const violations = violationsOf(pools);
  if (violations.length > 0) throw OverlayError.invalid(violations, 'set of pools');
  const present = state.pools().map(({ definition }) => definition);
  const unchanged = present.length === pools.length && pools.every((pool, at) => samePool(pool, present[at]));
  const ended = [...state.reservations()]
    .filter((reservation) => pools.some((pool) => isReplacedBy(reservation, pool)))
    .map((reservation): IpamMutation => ({ kind: 'delete_reservation', key: reservationKey(reservation) }));
  const mutations: IpamMutation[] = unchanged ? ended : [...ended, { kind: 'replace_pools', pools }];
  return { mutations, answer: pools };
}

function isReplacedBy({ networkId, network, addresses }: ReservationRecord, pool: PoolDefinition): boolean {
  if (networkId === pool.networkId) return false;
  if (network === pool.network) return true;
  return prefixesOf(pool).some((prefix) => addresses.some((address) => containsAddress(prefix, address)));
}

/** What keeps pools from being served: of each alone, then of what they share. O(n log n). */
function violationsOf(pools: readonly PoolDefinition[]): readonly FieldViolation[] {
  const places = new Set<string>();
  const violations: FieldViolation[] = [];
  const subnets: OwnedSubnet[] = [];
  for (const [at, pool] of pools.entries()) {
    const say = (field: string, description: string) =>
      violations.push({ field: `pools[${at}].${field}`, description });
    const place = placeOf(pool);
    const key = `${pool.network}/${pool.half}`;
    if (places.has(key)) say('network', `${place} is given twice; give each half once`);
    places.add(key);
    if (pool.subnet === undefined && pool.subnet6 === undefined) {
      say('subnet', `${place} has no prefix; give subnet, subnet6 or both`);
    }
    for (const [field, family] of FAMILIES) {
      const prefix = pool[field];
      if (prefix === undefined) continue;
      const fault = faultOf(prefix, family);
      if (fault === undefined) subnets.push({ subnet: prefix, field: `pools[${at}].${field}`, owner: place });
      else say(field, fault);
    }
  }
  return [...violations, ...findOverlaps(subnets)];
}

function faultOf(prefix: Cidr, family: IpFamily): string | undefined {
  if (cidrFamily(prefix) !== family) {
    return `${prefix} is an IPv${cidrFamily(prefix)} prefix; give an IPv${family} prefix`;
  }
  const longest = ADDRESS_BITS[family] - MIN_HOST_BITS;
  if (prefixLength(prefix) <= longest) return undefined;
  return `${prefix} cannot hold a container; the longest prefix is /${longest}`;
}

function prefixesOf(pool: PoolDefinition): readonly Cidr[] {
  return [pool.subnet, pool.subnet6].filter((prefix) => prefix !== undefined);
}

function samePool(a: PoolDefinition, b: PoolDefinition | undefined): boolean {
  return (
    a.networkId === b?.networkId &&
    a.network === b.network &&
    a.half === b.half &&
    a.subnet === b.subnet &&
    a.subnet6 === b.subnet6 &&
    a.shared === b.shared
  );
}
