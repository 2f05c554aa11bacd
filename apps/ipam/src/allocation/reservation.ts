import type { IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { BridgeKind, NetworkId, NetworkName } from '@overlay/model';
import type { HostInstant } from '../host-clock.js';
import { quoted } from './owner.js';

declare const reservationNameBrand: unique symbol;

/** Name of a reservation: see {@link parseReservationName}. */
export type ReservationName = string & { readonly [reservationNameBrand]: true };

/** How long a reservation stands. */
export interface ReservationTerm {
  readonly ttlMs: number;
  readonly since: HostInstant;
}

/** Addresses of one half that are set aside by name, whether or not a container holds them. */
export interface ReservationRecord {
  readonly networkId: NetworkId;
  readonly network: NetworkName;
  readonly half: BridgeKind;
  readonly name: ReservationName;
  /** At most one address per family, IPv4 first. */
  readonly addresses: readonly IpAddress[];
  /** Absent if it stands without end. */
  readonly term?: ReservationTerm;
  /** Unix milliseconds. */
  readonly reservedAtMs: number;
}

declare const reservationKeyBrand: unique symbol;

/** Identifies a reservation: network, half and name. Its parts never contain the separator. */
export type ReservationKey = string & { readonly [reservationKeyBrand]: true };

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;

/**
 * Parses a reservation's name: 1 to 255 characters of `[A-Za-z0-9_.-]`, the first a letter or digit.
 * @throws OverlayError `invalid_argument` that quotes the text.
 */
export function parseReservationName(text: string): ReservationName {
  if (!NAME.test(text)) {
    const rule = '1 to 255 characters of A-Z a-z 0-9 _ . -, the first a letter or digit';
    throw new OverlayError('invalid_argument', `${quoted(text)} is no name of a reservation: ${rule}`);
  }
  return text as ReservationName;
}

/** The key of a reservation. */
export function reservationKey(ref: {
  readonly network: string;
  readonly half: BridgeKind;
  readonly name: ReservationName;
}): ReservationKey {
  return `${ref.network}/${ref.half}/${ref.name}` as ReservationKey;
}

/** Milliseconds until the reservation ends, 0 or less if it has; undefined if it stands without end. */
export function remainingMs({ term }: ReservationRecord, at: HostInstant): number | undefined {
  return term === undefined ? undefined : term.since.uptimeMs + term.ttlMs - at.uptimeMs;
}
