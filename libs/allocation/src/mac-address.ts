import { OverlayError } from '@overlay/failure';

declare const macAddressBrand: unique symbol;

/** An EUI-48 address, lower case with colons, for example `70:b3:d5:80:00:02`; equality is string equality. */
export type MacAddress = string & { readonly [macAddressBrand]: true };

const EUI48 = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/**
 * Parses six hexadecimal octets separated by colons, in any case.
 * @throws OverlayError `invalid_argument`.
 */
export function parseMacAddress(text: string): MacAddress {
  const lower = text.toLowerCase();
  if (!EUI48.test(lower)) {
    throw new OverlayError('invalid_argument', `"${text}" is not a MAC address like 70:b3:d5:80:00:02`);
  }
  return lower as MacAddress;
}

/** True if {@link parseMacAddress} accepts the text. */
export function isMacAddress(text: string): boolean {
  return EUI48.test(text.toLowerCase());
}

/** The address as an integer: 0 to 2^48-1. */
export function macToInteger(mac: MacAddress): number {
  return Number.parseInt(mac.replaceAll(':', ''), 16);
}

/**
 * The address with the given integer value.
 * @throws OverlayError `internal` if the value is no 48-bit unsigned integer.
 */
export function integerToMac(integer: number): MacAddress {
  if (!Number.isInteger(integer) || integer < 0 || integer >= 2 ** 48) {
    throw new OverlayError('internal', `${integer} is outside the MAC address range`);
  }
  const hex = integer.toString(16).padStart(12, '0');
  return (hex.match(/../g) ?? []).join(':') as MacAddress;
}

/** True if the group bit of the first octet is set (IEEE 802: multicast and broadcast). */
export function isGroupMac(mac: MacAddress): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
