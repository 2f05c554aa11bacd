import {
  addressInPrefix,
  containsAddress,
  familyOf,
  type IpAddress,
  interfaceIp,
  networkAddress,
} from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { FamilyPool, HalfPool } from './half-pool.js';
import type { IpamState } from './ipam-state.js';
import type { Owner } from './owner.js';
import {
  type AllocationRecord,
  allocationKey,
  type HalfRef,
  type HeldAddress,
  type Plan,
} from './records.js';

/** Asks for an address of each family of a half. */
export interface AllocationRequest extends HalfRef {
  readonly owner: Owner;
  /** Wanted addresses, at most one per family; the others are chosen. */
  readonly requestedIps: readonly IpAddress[];
  readonly networkNamespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nowMs: number;
  readonly bootId: string;
}

/**
 * Gives the owner one address of each family of the half: the one that it holds already, else the one that it
 * asks for, else the lowest that had no holder yet, else the one that was given back the longest time ago,
 * even if it has not cooled: a half can be filled to its last address. Repeating it gives the same addresses. An address that lies outside the
 * half, because the half changed since, is exchanged.
 * @throws OverlayError `not_found` (no such half here), `invalid_argument` (a requested address that no
 * container can have), `already_exists` (one that another owner holds), `resource_exhausted`.
 */
export function planAllocation(state: IpamState, request: AllocationRequest): Plan<AllocationRecord> {
  const pool = requirePool(state, request);
  const held = state.allocation(allocationKey(request, request.owner));
  requireUsable(pool, request.requestedIps);
  const addresses = pool.families.map(
    (family): HeldAddress => ({
      address: addressInPrefix(choose(state, pool, family, request, held), family.prefix),
      gateway: family.gateway,
    }),
  );
  const { networkId, network, half } = pool.definition;
  if (held !== undefined && held.networkId === networkId && sameAddresses(held.addresses, addresses)) {
    return { mutations: [], answer: held };
  }
  const record: AllocationRecord = {
    networkId,
    network,
    half,
    owner: request.owner,
    addresses,
    ...(request.networkNamespace === undefined ? {} : { networkNamespace: request.networkNamespace }),
    labels: request.labels,
    allocatedAtMs: request.nowMs,
    bootId: request.bootId,
  };
  const taken = addresses
    .map(({ address }) => interfaceIp(address))
    .filter((address) => state.freed.of(address) !== undefined)
    .map((address) => ({ kind: 'delete_freed', address }) as const);
  return { mutations: [...taken, { kind: 'put_allocation', record }], answer: record };
}

/**
 * The pool of a half.
 * @throws OverlayError `not_found` naming the halves that there are.
 */
export function requirePool(state: IpamState, ref: HalfRef): HalfPool {
  const pool = state.pool(ref);
  if (pool !== undefined) return pool;
  const known = state.pools().map(({ definition }) => `${definition.network} (${definition.half} half)`);
  const there = known.length === 0 ? 'this host has no network yet' : `this host has ${known.join(', ')}`;
  throw new OverlayError('not_found', `no ${ref.half} half of network ${ref.network} here; ${there}`);
}

function requireUsable(pool: HalfPool, requestedIps: readonly IpAddress[]): void {
  const { network, half } = pool.definition;
  const where = `the ${half} half of network ${network}`;
  const seen = new Set<number>();
  for (const address of requestedIps) {
    const family = pool.families.find((candidate) => candidate.family === familyOf(address));
    const reason = reasonAgainst(address, family, seen);
    seen.add(familyOf(address));
    if (reason === undefined) continue;
    const ranges = pool.families.map(({ prefix }) => prefix).join(', ');
    const message = `requested address ${address}: ${reason}; ${where} is ${ranges}`;
    throw new OverlayError('invalid_argument', message);
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

function choose(
  state: IpamState,
  pool: HalfPool,
  family: FamilyPool,
  request: AllocationRequest,
  held: AllocationRecord | undefined,
): IpAddress {
  const own = held?.addresses
    .map(({ address }) => interfaceIp(address))
    .find((address) => family.addresses.contains(address));
  const wanted = request.requestedIps.find((address) => familyOf(address) === family.family);
  if (own !== undefined && (wanted === undefined || wanted === own)) return own;
  if (own !== undefined && wanted !== undefined) throw holdsAnother(request, own, wanted);
  if (wanted !== undefined) return requireFree(state, pool, wanted);
  const free = family.addresses.nextInTurn();
  if (free === undefined) throw exhausted(pool, family);
  return free;
}

function holdsAnother(request: AllocationRequest, own: IpAddress, wanted: IpAddress): OverlayError {
  const { containerId, interface: name } = request.owner;
  const message = `container ${containerId} interface ${name} holds ${own} already; release it before it asks for ${wanted}`;
  return new OverlayError('already_exists', message);
}

function requireFree(state: IpamState, pool: HalfPool, wanted: IpAddress): IpAddress {
  const holder = state.holderOf(wanted);
  if (holder === undefined) return wanted;
  const { containerId, interface: name } = holder.owner;
  const who = `container ${containerId} interface ${name}`;
  const message = `requested address ${wanted} of network ${pool.definition.network} is held by ${who}`;
  throw new OverlayError('already_exists', message);
}

function exhausted(pool: HalfPool, { family, prefix, addresses }: FamilyPool): OverlayError {
  const { network, half } = pool.definition;
  const used = addresses.capacity - addresses.freeCount - BigInt(addresses.restingCount);
  const count = `${used} of ${addresses.capacity} IPv${family} addresses of ${prefix} are used`;
  const message = `the ${half} half of network ${network} is full on this host: ${count}; end a container here or start this one on another host`;
  return new OverlayError('resource_exhausted', message);
}

function sameAddresses(a: readonly HeldAddress[], b: readonly HeldAddress[]): boolean {
  return a.length === b.length && a.every((held, at) => held.address === b[at]?.address);
}
