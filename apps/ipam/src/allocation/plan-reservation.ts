import { familyOf, type IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { HostInstant } from '../host-clock.js';
import { requireFree, requireUsable, takeFreed, takeNext } from './choose-address.js';
import type { FamilyPool, HalfPool } from './half-pool.js';
import type { IpamState } from './ipam-state.js';
import { requirePool } from './plan-allocation.js';
import { type CooldownPolicy, planFreed } from './plan-release.js';
import type { HalfRef, Plan } from './records.js';
import { type ReservationName, type ReservationRecord, remainingMs, reservationKey } from './reservation.js';

/** Names one reservation. */
export interface ReservationRef extends HalfRef {
  readonly name: ReservationName;
}

/** Asks for addresses to be set aside. */
export interface ReservationRequest extends ReservationRef {
  /** Wanted addresses, at most one per family; the others are chosen. */
  readonly requestedIps: readonly IpAddress[];
  /** Absent for a reservation without end. */
  readonly ttlMs?: number;
  readonly at: HostInstant;
  readonly nowMs: number;
}

/** A moment, and what becomes of addresses that are given back at it. */
export interface ReleaseMoment {
  readonly at: HostInstant;
  readonly cooldown: CooldownPolicy;
}

/**
 * Sets one address of each family of the half aside: the one that the reservation has already, else the one
 * that is wanted, else the next to be given out. Repeating it gives the same addresses and starts the term
 * anew. A reserved address is given only to who asks for the reservation or for the address itself.
 * @throws OverlayError `not_found` (no such half here), `invalid_argument` (an address that no container can
 * have), `already_exists` (one that is held, reserved under another name, or differs from the reservation's),
 * `resource_exhausted`.
 */
export function planReservation(state: IpamState, request: ReservationRequest): Plan<ReservationRecord> {
  const pool = requirePool(state, request);
  requireUsable(pool, request.requestedIps);
  const present = state.reservation(reservationKey(request));
  const addresses = pool.families.map((family) => choose(state, pool, family, request, present));
  const { networkId, network, half } = pool.definition;
  const { name, ttlMs, at, nowMs } = request;
  const record: ReservationRecord = {
    networkId,
    network,
    half,
    name,
    addresses,
    ...(ttlMs === undefined ? {} : { term: { ttlMs, since: at } }),
    reservedAtMs: present?.reservedAtMs ?? nowMs,
  };
  return {
    mutations: [...takeFreed(state, addresses), { kind: 'put_reservation', record }],
    answer: record,
  };
}

/** Gives a reservation back; what a container holds of it stays with the container. Repeatable. */
export function planUnreservation(state: IpamState, ref: ReservationRef, moment: ReleaseMoment): Plan<void> {
  const record = state.reservation(reservationKey(ref));
  return planEnd(state, record === undefined ? [] : [record], moment);
}

/** Ends the reservations whose term is over. */
export function planExpiry(state: IpamState, moment: ReleaseMoment): Plan<void> {
  return planEnd(state, expiredReservations(state, moment.at), moment);
}

/** The reservations whose term is over, the longest over first. */
export function expiredReservations(state: IpamState, at: HostInstant): readonly ReservationRecord[] {
  const left = (record: ReservationRecord) => remainingMs(record, at) ?? Number.POSITIVE_INFINITY;
  return [...state.reservations()]
    .filter((record) => left(record) <= 0)
    .sort((a, b) => left(a) - left(b) || (a.name < b.name ? -1 : 1));
}

function planEnd(state: IpamState, records: readonly ReservationRecord[], moment: ReleaseMoment): Plan<void> {
  const left = records
    .flatMap(({ addresses }) => addresses)
    .filter((address) => state.holderOf(address) === undefined);
  const ended = records.map(
    (record) => ({ kind: 'delete_reservation', key: reservationKey(record) }) as const,
  );
  return { mutations: [...ended, ...planFreed(state, left, moment)], answer: undefined };
}

function choose(
  state: IpamState,
  pool: HalfPool,
  family: FamilyPool,
  request: ReservationRequest,
  present: ReservationRecord | undefined,
): IpAddress {
  const own = present?.addresses.find((address) => family.addresses.contains(address));
  const wanted = request.requestedIps.find((address) => familyOf(address) === family.family);
  if (own !== undefined && (wanted === undefined || wanted === own)) return own;
  if (own !== undefined) {
    const message = `reservation ${request.name} has ${own} already; unreserve it before it gets ${wanted}`;
    throw new OverlayError('already_exists', message);
  }
  if (wanted === undefined) return takeNext(pool, family);
  requireFree(state, pool, wanted);
  const other = state.reservationOf(wanted);
  if (other === undefined) return wanted;
  const message = `requested address ${wanted} of network ${other.network} is reserved as ${other.name}`;
  throw new OverlayError('already_exists', message);
}
