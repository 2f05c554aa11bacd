import { addressInPrefix, familyOf, type IpAddress, interfaceIp } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { HostInstant } from '../host-clock.js';
import { requireFree, requireUsable, takeFreed, takeNext } from './choose-address.js';
import { type FamilyPool, type HalfPool, placeOf, sideOf } from './half-pool.js';
import type { IpamState } from './ipam-state.js';
import { sameLabels } from './labels.js';
import { isLeftBehind } from './left-behind.js';
import type { Owner } from './owner.js';
import { type CooldownPolicy, planFreed } from './plan-release.js';
import {
  type AllocationRecord,
  allocationKey,
  type HalfRef,
  type HeldAddress,
  type IpamMutation,
  keyOf,
  type Plan,
} from './records.js';
import { type ReservationName, type ReservationRecord, reservationKey } from './reservation.js';

/** Asks for an address of each family of a half. */
export interface AllocationRequest extends HalfRef {
  readonly owner: Owner;
  /** Absent for a runtime. */
  readonly ownerKind?: 'framework';
  /** Wanted addresses, at most one per family; the others are chosen. */
  readonly requestedIps: readonly IpAddress[];
  /** The reservation whose addresses are wanted. */
  readonly reservation?: ReservationName;
  readonly networkNamespace?: string;
  /** True if something stands at that path. */
  readonly namespaceSeen?: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly nowMs: number;
  readonly at: HostInstant;
  /** For what is given back of a container that ended with an earlier boot. */
  readonly cooldown: CooldownPolicy;
}

/**
 * Gives the owner one address of each family of the half: the one that it holds already, else the one that it asks for,
 * also if it is reserved, else its reservation's, else the lowest that had no holder yet, else the one that was given
 * back the longest time ago, even if it has not cooled: a half can be filled to its last address. Repeating it gives the
 * same addresses. An address that lies outside the half, because the half changed since, is exchanged. A container that
 * comes again after a reboot, with another namespace or with other labels keeps its addresses, and the record tells the
 * new ones. A wanted address that a container of an earlier boot left behind is taken over, and what else that one held
 * is given back.
 * @throws OverlayError `not_found` (no such half or reservation here), `invalid_argument` (a requested address that no
 * container can have, or that is not the reservation's), `failed_precondition` (a reservation whose addresses the half
 * lost when its block changed), `already_exists` (one that another owner holds, or an owner that is Docker's),
 * `resource_exhausted`.
 */
export function planAllocation(state: IpamState, request: AllocationRequest): Plan<AllocationRecord> {
  const pool = requirePool(state, request);
  const held = state.allocation(allocationKey(request, request.owner));
  if (held?.ownerKind === 'docker') throw isDockers(request);
  requireUsable(pool, request.requestedIps);
  const reservation = requireReservation(state, pool, request);
  const ips = pool.families.map((family) => choose(state, pool, family, request, held, reservation));
  const addresses = pool.families.flatMap((family, at): readonly HeldAddress[] => {
    const ip = ips[at];
    return ip === undefined ? [] : [{ address: addressInPrefix(ip, family.prefix), gateway: family.gateway }];
  });
  const { networkId, network, half } = pool.definition;
  const place = namespaceOf(request, held);
  if (held !== undefined && held.networkId === networkId && isSame(held, request, place, addresses)) {
    return { mutations: [], answer: held };
  }
  const name = ips.map((ip) => state.reservationOf(ip)?.name).find((found) => found !== undefined);
  const record: AllocationRecord = {
    networkId,
    network,
    half,
    owner: request.owner,
    ...(request.ownerKind === undefined ? {} : { ownerKind: request.ownerKind }),
    addresses,
    ...(name === undefined ? {} : { reservation: name }),
    ...place,
    labels: request.labels,
    allocatedAtMs: request.nowMs,
    bootId: request.at.bootId,
  };
  const mutations: IpamMutation[] = [
    ...endLeftBehind(state, ips, held, request),
    ...takeFreed(state, ips),
    { kind: 'put_allocation', record },
  ];
  return { mutations, answer: record };
}

/**
 * The pool of a half.
 * @throws OverlayError `not_found` naming the halves that there are.
 */
export function requirePool(state: IpamState, ref: HalfRef): HalfPool {
  const pool = state.pool(ref);
  if (pool !== undefined) return pool;
  const known = state.pools().map(({ definition }) => `${definition.network} (${sideOf(definition)})`);
  const there = known.length === 0 ? 'this host has no network yet' : `this host has ${known.join(', ')}`;
  throw new OverlayError('not_found', `no ${ref.half} half of network ${ref.network} here; ${there}`);
}

function requireReservation(
  state: IpamState,
  pool: HalfPool,
  request: AllocationRequest,
): ReservationRecord | undefined {
  const { network, half, reservation: name } = request;
  if (name === undefined) return undefined;
  const reservation = state.reservation(reservationKey({ network, half, name }));
  const place = placeOf(pool.definition);
  if (reservation === undefined) {
    throw new OverlayError('not_found', `${place} has no reservation ${name} here; reserve it first`);
  }
  const lost = lostAddresses(pool, reservation);
  if (lost.length === 0) return reservation;
  const message = `reservation ${name} has ${lost.join(', ')}, which ${place} cannot give any more; reserve it again`;
  throw new OverlayError('failed_precondition', message);
}

/**
 * What a reservation made in an earlier block of the half cannot give: an address of a family that the half still has,
 * or all of them. A family that came to the half or left it since takes nothing from the rest.
 */
function lostAddresses({ families }: HalfPool, { addresses }: ReservationRecord): readonly IpAddress[] {
  const isHere = (address: IpAddress) => families.some((family) => family.addresses.contains(address));
  if (!addresses.some(isHere)) return addresses;
  const hasFamily = (address: IpAddress) => families.some(({ family }) => family === familyOf(address));
  return addresses.filter((address) => hasFamily(address) && !isHere(address));
}

function choose(
  state: IpamState,
  pool: HalfPool,
  family: FamilyPool,
  request: AllocationRequest,
  held: AllocationRecord | undefined,
  reservation: ReservationRecord | undefined,
): IpAddress {
  const isHere = (address: IpAddress) => family.addresses.contains(address);
  const own = held?.addresses.map(({ address }) => interfaceIp(address)).find(isHere);
  const requestedAt = request.requestedIps.findIndex((address) => familyOf(address) === family.family);
  const requested = request.requestedIps[requestedAt];
  const reserved = reservation?.addresses.find(isHere);
  if (requested !== undefined && reserved !== undefined && requested !== reserved) {
    const message = `requested address ${requested} is not that of reservation ${request.reservation}, ${reserved}; ask for one of them`;
    const violations = [{ field: `requested_ips[${requestedAt}]`, description: message }];
    throw new OverlayError('invalid_argument', message, { violations });
  }
  const wanted = requested ?? reserved;
  if (own !== undefined && (wanted === undefined || wanted === own)) return own;
  if (own !== undefined && wanted !== undefined) throw holdsAnother(request, own, wanted);
  if (wanted === undefined) return takeNext(pool, family);
  const holder = state.holderOf(wanted);
  if (holder === undefined || !isLeftBehind(holder, request.at)) requireFree(state, pool, wanted);
  return wanted;
}

/** Ends what others hold of the addresses, and gives back the rest of it. */
function endLeftBehind(
  state: IpamState,
  ips: readonly IpAddress[],
  held: AllocationRecord | undefined,
  request: AllocationRequest,
): readonly IpamMutation[] {
  const holders = ips.flatMap((ip) => state.holderOf(ip) ?? []).filter((holder) => holder !== held);
  if (holders.length === 0) return [];
  const ended = [...new Set(holders)];
  const left = ended
    .flatMap(({ addresses }) => addresses.map(({ address }) => interfaceIp(address)))
    .filter((address) => !ips.includes(address) && state.reservationOf(address) === undefined);
  const deletions = ended.map((holder): IpamMutation => ({ kind: 'delete_allocation', key: keyOf(holder) }));
  return [...deletions, ...planFreed(state, left, request)];
}

function isDockers({ owner: { containerId, interface: name } }: AllocationRequest): OverlayError {
  const message = `container ${containerId} interface ${name} is an endpoint of Docker; name the container otherwise`;
  return new OverlayError('already_exists', message);
}

function holdsAnother(request: AllocationRequest, own: IpAddress, wanted: IpAddress): OverlayError {
  const { containerId, interface: name } = request.owner;
  const message = `container ${containerId} interface ${name} holds ${own} already; release it before it asks for ${wanted}`;
  return new OverlayError('already_exists', message);
}

type NamespacePlace = Pick<AllocationRecord, 'networkNamespace' | 'namespaceSeen'>;

/** Where the owner lives: who names no path, or cannot have it seen now, is where it was before in this boot. */
function namespaceOf(request: AllocationRequest, held: AllocationRecord | undefined): NamespacePlace {
  const before = held?.bootId === request.at.bootId ? held : undefined;
  const networkNamespace = request.networkNamespace ?? before?.networkNamespace;
  if (networkNamespace === undefined) return {};
  const wasSeen = before?.networkNamespace === networkNamespace && before.namespaceSeen === true;
  return { networkNamespace, ...(request.namespaceSeen === true || wasSeen ? { namespaceSeen: true } : {}) };
}

function isSame(
  held: AllocationRecord,
  { at, ownerKind, labels }: AllocationRequest,
  place: NamespacePlace,
  addresses: readonly HeldAddress[],
): boolean {
  if (held.bootId !== at.bootId || held.ownerKind !== ownerKind) return false;
  if (held.networkNamespace !== place.networkNamespace || held.namespaceSeen !== place.namespaceSeen)
    return false;
  if (!sameLabels(held.labels, labels)) return false;
  return (
    held.addresses.length === addresses.length &&
    held.addresses.every(({ address }, index) => address === addresses[index]?.address)
  );
}
