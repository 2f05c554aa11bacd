import { addressInPrefix, type Cidr, type IpAddress, interfaceIp } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { requireUsable, takeFreed, takeNext } from './choose-address.js';
import { isLeftByDocker } from './docker-owner.js';
import type { FamilyPool, HalfPool } from './half-pool.js';
import type { IpamState } from './ipam-state.js';
import type { Owner } from './owner.js';
import { planFreed } from './plan-release.js';
import type { ReleaseMoment } from './plan-reservation.js';
import { type AllocationRecord, allocationKey, type IpamMutation, keyOf, type Plan } from './records.js';

/** One prefix that Docker takes addresses from. */
export interface DockerPool {
  readonly network: string;
  readonly prefix: Cidr;
}

/** Asks for one address of one prefix. */
export interface DockerAddressRequest extends ReleaseMoment {
  readonly pool: DockerPool;
  /** Stands for one endpoint in one prefix. */
  readonly owner: Owner;
  /** The wanted address; any without it. */
  readonly wanted?: IpAddress;
  readonly nowMs: number;
}

/**
 * Gives an endpoint an address of one prefix. Repeating it gives the same address; asking for another one moves the
 * endpoint, for Docker repeats a request without saying so, and an endpoint has one address in a prefix.
 * @throws OverlayError `not_found` (no such prefix here), `invalid_argument` (an address that no container can
 * have), `already_exists` (one that another owner holds), `resource_exhausted`.
 */
export function planDockerAddress(state: IpamState, request: DockerAddressRequest): Plan<AllocationRecord> {
  const { pool, owner, wanted, at } = request;
  const [half, family] = requireDockerPool(state, pool);
  if (wanted !== undefined) requireUsable(half, [wanted]);
  const { networkId, network, half: side } = half.definition;
  const held = state.allocation(allocationKey(half.definition, owner));
  if (held !== undefined && held.ownerKind !== 'docker') throw heldByNamesake(held);
  const own = held?.addresses
    .map(({ address }) => interfaceIp(address))
    .find((ip) => family.addresses.contains(ip));
  const ip = wanted ?? own ?? takeNext(half, family);
  const holder = state.holderOf(ip);
  const stale = holder !== undefined && holder !== held && isLeftByDocker(holder, at) ? holder : undefined;
  if (holder !== undefined && holder !== held && stale === undefined) throw heldBy(ip, holder);
  if (held !== undefined && own === ip && held.bootId === at.bootId) return { mutations: [], answer: held };
  const record: AllocationRecord = {
    networkId,
    network,
    half: side,
    owner,
    ownerKind: 'docker',
    addresses: [{ address: addressInPrefix(ip, family.prefix), gateway: family.gateway }],
    labels: {},
    allocatedAtMs: request.nowMs,
    bootId: at.bootId,
  };
  const ended: IpamMutation[] = stale === undefined ? [] : [{ kind: 'delete_allocation', key: keyOf(stale) }];
  const moved = own !== undefined && own !== ip && state.reservationOf(own) === undefined ? [own] : [];
  const mutations: IpamMutation[] = [
    ...ended,
    ...takeFreed(state, [ip]),
    { kind: 'put_allocation', record },
    ...planFreed(state, moved, request),
  ];
  return { mutations, answer: record };
}

/**
 * Gives back an address that Docker holds. Whatever else holds it stays as it is: after a reboot Docker gives back
 * what its containers had before, and somebody else may have it by now.
 * @returns as the answer whether it was given back.
 */
export function planDockerRelease(
  state: IpamState,
  pool: DockerPool,
  ip: IpAddress,
  moment: ReleaseMoment,
): Plan<boolean> {
  const holder = state.holderOf(ip);
  if (holder?.ownerKind !== 'docker' || holder.network !== pool.network)
    return { mutations: [], answer: false };
  const left = state.reservationOf(ip) === undefined ? [ip] : [];
  const mutations: IpamMutation[] = [
    { kind: 'delete_allocation', key: keyOf(holder) },
    ...planFreed(state, left, moment),
  ];
  return { mutations, answer: true };
}

/**
 * Gives back what an endpoint holds in one prefix: Docker was told that it got nothing.
 * @returns as the answer whether it held anything.
 * @throws OverlayError `not_found` (no such prefix here).
 */
export function planForgottenEndpoint(
  state: IpamState,
  pool: DockerPool,
  owner: Owner,
  moment: ReleaseMoment,
): Plan<boolean> {
  const [half, family] = requireDockerPool(state, pool);
  const ip = state
    .allocation(allocationKey(half.definition, owner))
    ?.addresses.map(({ address }) => interfaceIp(address))
    .find((address) => family.addresses.contains(address));
  return ip === undefined ? { mutations: [], answer: false } : planDockerRelease(state, pool, ip, moment);
}

/**
 * The half and family that a prefix is.
 * @throws OverlayError `not_found` naming the prefixes that there are.
 */
export function requireDockerPool(
  state: IpamState,
  { network, prefix }: Pick<DockerPool, 'prefix'> & { readonly network?: string },
): readonly [half: HalfPool, family: FamilyPool] {
  for (const half of state.pools()) {
    const family = half.families.find((candidate) => candidate.prefix === prefix);
    const named = network === undefined || half.definition.network === network;
    if (family !== undefined && named) return [half, family];
  }
  const known = state
    .pools()
    .flatMap(({ definition, families }) =>
      families.map((family) => `${family.prefix} (${definition.network})`),
    );
  const there = known.length === 0 ? 'this host has no network yet' : `this host has ${known.join(', ')}`;
  throw new OverlayError('not_found', `no network of this host has the prefix ${prefix}; ${there}`);
}

function heldByNamesake({ network, owner }: AllocationRecord): OverlayError {
  const who = `container ${owner.containerId} interface ${owner.interface}`;
  const message = `${who} of network ${network}, the name of Docker's endpoint, was not added by Docker; remove it first`;
  return new OverlayError('already_exists', message);
}

function heldBy(ip: IpAddress, { network, owner }: AllocationRecord): OverlayError {
  const who = `container ${owner.containerId} interface ${owner.interface}`;
  return new OverlayError('already_exists', `address ${ip} of network ${network} is held by ${who}`);
}
