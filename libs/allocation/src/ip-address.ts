import { OverlayError } from '@overlay/failure';
import { ipv4FromNumber, ipv4ToNumber } from './ipv4-number.js';
import { ipv6GroupsOf, ipv6Text, ipv6ToGroups, ipv6Value } from './ipv6-groups.js';

declare const ipAddressBrand: unique symbol;

/**
 * An IPv4 or IPv6 address in its one canonical spelling (dotted decimal; RFC 5952 for IPv6), so that equality
 * of addresses is equality of strings.
 */
export type IpAddress = string & { readonly [ipAddressBrand]: true };

/** Address family: 4 or 6. */
export type IpFamily = 4 | 6;

/** Number of bits in an address of each family. */
export const ADDRESS_BITS: Readonly<Record<IpFamily, 32 | 128>> = { 4: 32, 6: 128 };

/**
 * Parses an address in any RFC 4291 section 2.2 spelling (no zone, no prefix length, no leading zeros in
 * dotted decimal).
 * @throws OverlayError `invalid_argument` that quotes the text.
 */
export function parseIpAddress(text: string): IpAddress {
  const address = readIpAddress(text);
  if (address !== undefined) return address;
  throw new OverlayError('invalid_argument', `"${text}" is not an IPv4 or IPv6 address`);
}

/** As {@link parseIpAddress}, but undefined if the text is no address. */
export function readIpAddress(text: string): IpAddress | undefined {
  // No address has two spellings in dotted decimal.
  if (!text.includes(':')) return ipv4ToNumber(text) === undefined ? undefined : (text as IpAddress);
  const groups = ipv6ToGroups(text);
  return groups && (ipv6Text(groups) as IpAddress);
}

/** True if {@link parseIpAddress} accepts the text. */
export function isIpAddress(text: string): boolean {
  return readIpAddress(text) !== undefined;
}

/** The address's family, told from its spelling. */
export function familyOf(address: IpAddress): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/** The address as an unsigned integer in network order: 0 to 2^32-1 or 2^128-1. */
export function addressToInteger(address: IpAddress): bigint {
  if (address.includes(':')) {
    const groups = ipv6ToGroups(address);
    if (groups !== undefined) return ipv6Value(groups);
  } else {
    const value = ipv4ToNumber(address);
    if (value !== undefined) return BigInt(value);
  }
  throw new OverlayError('internal', `"${address}" is not a canonical address`);
}

/**
 * The address with the given unsigned integer value.
 * @throws OverlayError `internal` if the value does not fit the family.
 */
export function integerToAddress(family: IpFamily, integer: bigint): IpAddress {
  if (integer < 0n || integer >> BigInt(ADDRESS_BITS[family]) !== 0n) {
    throw new OverlayError('internal', `${integer} is outside the IPv${family} address range`);
  }
  const text = family === 4 ? ipv4FromNumber(Number(integer)) : ipv6Text(ipv6GroupsOf(integer));
  return text as IpAddress;
}
