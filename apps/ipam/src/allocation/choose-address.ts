import { hostname } from 'node:os';
import { containsAddress, familyOf, type IpAddress, networkAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { type FamilyPool, type HalfPool, placeOf } from './half-pool.js';
import type { IpamState } from './ipam-state.js';
import type { IpamMutation } from './records.js';

/**
 * Checks that a container can have the requested addresses, whoever has them now.
 * @throws OverlayError `invalid_argument` with the reason and the half's ranges.
 */
export function requireUsable(pool: HalfPool, requestedIps: readonly IpAddress[]): void {
  const seen = new Set<number>();
  for (const [at, address] of requestedIps.entries()) {
    const family = pool.families.find((candidate) => candidate.family === familyOf(address));
    const reason = reasonAgainst(address, family, seen);
    seen.add(familyOf(address));
    if (reason === undefined) continue;
    const ranges = pool.families.map(({ prefix }) => prefix).join(', ');
    const message = `requested address ${address}: ${reason}; ${placeOf(pool.definition)} is ${ranges}`;
    const violations = [{ field: `requested_ips[${at}]`, description: message }];
    throw new OverlayError('invalid_argument', message, { violations });
  }
}

function reasonAgainst(
  address: IpAddress,
  pool: FamilyPool | undefined,
  seen: ReadonlySet<number>,
): string | undefined {
  if (seen.has(familyOf(address))) return `a second address of IPv${familyOf(address)} cannot be had`;
  if (pool === undefined) return `the network has no IPv${familyOf(address)} here`;
  if (!containsAddress(pool.prefix, address)) return 'it lies outside';
  if (address === pool.gateway) return 'it is the gateway';
  if (address === networkAddress(pool.prefix)) return "it is the network's own address";
  return pool.addresses.contains(address) ? undefined : 'it is the broadcast address';
}

/**
 * Checks that no container holds an address.
 * @throws OverlayError `already_exists` naming the holder.
 */
export function requireFree(state: IpamState, pool: HalfPool, wanted: IpAddress): void {
  const holder = state.holderOf(wanted);
  if (holder === undefined) return;
  const { containerId, interface: name } = holder.owner;
  const who = `container ${containerId} interface ${name}`;
  const message = `requested address ${wanted} of network ${pool.definition.network} is held by ${who}`;
  throw new OverlayError('already_exists', message);
}

/**
 * The address that a family gives out next.
 * @throws OverlayError `resource_exhausted` naming network, half, host, family, used and total.
 */
export function takeNext(pool: HalfPool, family: FamilyPool): IpAddress {
  const next = family.addresses.nextInTurn();
  if (next === undefined) throw exhausted(pool, family);
  return next;
}

/**
 * Checks that a half has an address of each family left.
 * @throws OverlayError `resource_exhausted` as {@link takeNext}.
 */
export function requireLeft(pool: HalfPool): void {
  for (const family of pool.families) takeNext(pool, family);
}

/** Takes addresses out of the order in which they wait to be given out again. */
export function takeFreed(state: IpamState, addresses: readonly IpAddress[]): readonly IpamMutation[] {
  return addresses
    .filter((address) => state.freed.of(address) !== undefined)
    .map((address) => ({ kind: 'delete_freed', address }));
}

function exhausted(pool: HalfPool, { family, prefix, addresses }: FamilyPool): OverlayError {
  const used = addresses.capacity - addresses.freeCount - BigInt(addresses.restingCount);
  const count = `${used} of ${addresses.capacity} IPv${family} addresses of ${prefix} are used or reserved`;
  const place = `${placeOf(pool.definition)} is full on host ${hostname()}`;
  const message = `${place}: ${count}; end a container there or start this one on another host`;
  return new OverlayError('resource_exhausted', message);
}
