import {
  ADDRESS_BITS,
  type Cidr,
  cidrFamily,
  cidrsOverlap,
  containsAddress,
  prefixLength,
} from '@overlay/allocation';
import { type FieldViolation, OverlayError } from '@overlay/failure';
import { placeOf } from './half-pool.js';
import type { IpamState } from './ipam-state.js';
import type { IpamMutation, Plan, PoolDefinition } from './records.js';
import { type ReservationRecord, reservationKey } from './reservation.js';

/** A half of less than two host bits cannot hold a container next to its gateway: the halves of the longest blocks. */
const MIN_HOST_BITS = 2;

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
  const violations = pools.flatMap((pool, at) => violationsOf(pool, at, pools.slice(0, at)));
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

function violationsOf(
  pool: PoolDefinition,
  at: number,
  earlier: readonly PoolDefinition[],
): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  const say = (field: string, description: string) =>
    violations.push({ field: `pools[${at}].${field}`, description });
  const name = placeOf(pool);
  if (earlier.some((other) => other.network === pool.network && other.half === pool.half)) {
    say('network', `${name} is given twice; give each half once`);
  }
  if (pool.subnet === undefined && pool.subnet6 === undefined) {
    say('subnet', `${name} has no prefix; give subnet, subnet6 or both`);
  }
  for (const [field, family] of [
    ['subnet', 4],
    ['subnet6', 6],
  ] as const) {
    const prefix = pool[field];
    if (prefix === undefined) continue;
    if (cidrFamily(prefix) !== family) {
      say(field, `${prefix} is an IPv${cidrFamily(prefix)} prefix; give an IPv${family} prefix`);
      continue;
    }
    const longest = ADDRESS_BITS[family] - MIN_HOST_BITS;
    if (prefixLength(prefix) > longest) {
      say(field, `${prefix} cannot hold a container; the longest prefix is /${longest}`);
    }
    const other = earlier.find((candidate) =>
      prefixesOf(candidate).some((taken) => cidrsOverlap(taken, prefix)),
    );
    if (other !== undefined) {
      say(field, `${prefix} overlaps ${placeOf(other)}`);
    }
  }
  return violations;
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
