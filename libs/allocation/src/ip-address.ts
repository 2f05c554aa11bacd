import { OverlayError } from '@overlay/failure';

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

const ZERO = '0'.charCodeAt(0);
const DOT = '.'.charCodeAt(0);
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/;

/**
 * Parses an address in any RFC 4291 section 2.2 spelling (no zone, no prefix length, no leading zeros in
 * dotted decimal).
 * @throws OverlayError `invalid_argument` that quotes the text.
 */
export function parseIpAddress(text: string): IpAddress {
  const integer = text.includes(':') ? ipv6Integer(text) : ipv4Integer(text);
  if (integer === undefined) {
    throw new OverlayError('invalid_argument', `"${text}" is not an IPv4 or IPv6 address`);
  }
  return integerToAddress(text.includes(':') ? 6 : 4, integer);
}

/** True if {@link parseIpAddress} accepts the text. */
export function isIpAddress(text: string): boolean {
  return (text.includes(':') ? ipv6Integer(text) : ipv4Integer(text)) !== undefined;
}

/** The address's family, told from its spelling. */
export function familyOf(address: IpAddress): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/** The address as an unsigned integer in network order: 0 to 2^32-1 or 2^128-1. */
export function addressToInteger(address: IpAddress): bigint {
  const integer = address.includes(':') ? ipv6Integer(address) : ipv4Integer(address);
  if (integer === undefined) throw new OverlayError('internal', `"${address}" is not a canonical address`);
  return integer;
}

/**
 * The address with the given unsigned integer value.
 * @throws OverlayError `internal` if the value does not fit the family.
 */
export function integerToAddress(family: IpFamily, integer: bigint): IpAddress {
  if (integer < 0n || integer >> BigInt(ADDRESS_BITS[family]) !== 0n) {
    throw new OverlayError('internal', `${integer} is outside the IPv${family} address range`);
  }
  return family === 4 ? ipv4FromNumber(Number(integer)) : ipv6Text(integer);
}

/**
 * The dotted-decimal address before `end` as a number; undefined if it is none. Reads the characters one by
 * one: pools parse an address for every value given back, and splitting the text costs ten times as much.
 */
export function ipv4ToNumber(text: string, end = text.length): number | undefined {
  let value = 0;
  let octet = -1;
  let dots = 0;
  for (let at = 0; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (octet < 0) return undefined;
      value = value * 256 + octet;
      octet = -1;
      dots += 1;
    } else {
      const digit = code - ZERO;
      if (!(digit >= 0 && digit <= 9) || octet === 0) return undefined;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return undefined;
    }
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : undefined;
}

/** The address with the given value from 0 to 2^32-1. */
export function ipv4FromNumber(value: number): IpAddress {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}` as IpAddress;
}

function ipv4Integer(text: string): bigint | undefined {
  const value = ipv4ToNumber(text);
  return value === undefined ? undefined : BigInt(value);
}

function ipv6Integer(text: string): bigint | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const head = ipv6Groups(sides[0] ?? '', sides.length === 1);
  const tail = sides.length === 2 ? ipv6Groups(sides[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (sides.length === 1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const group of [...head, ...new Array<number>(missing).fill(0), ...tail]) {
    value = (value << 16n) | BigInt(group);
  }
  return value;
}

/** The 16-bit groups of one side of `::`; a dotted-decimal tail counts for two and may only end the text. */
function ipv6Groups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (HEX_GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else if (endsAddress && index === parts.length - 1) {
      const embedded = ipv4ToNumber(part);
      if (embedded === undefined) return undefined;
      groups.push(embedded >>> 16, embedded & 0xffff);
    } else {
      return undefined;
    }
  }
  return groups;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first if equal) as `::`. Never with a dotted-decimal tail. */
function ipv6Text(value: bigint): IpAddress {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  let runStart = -1;
  let runLength = 1;
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - start > runLength) {
      runStart = start;
      runLength = end - start;
    }
    if (end > start) start = end;
  }
  const hex = groups.map((group) => group.toString(16));
  if (runStart < 0) return hex.join(':') as IpAddress;
  return `${hex.slice(0, runStart).join(':')}::${hex.slice(runStart + runLength).join(':')}` as IpAddress;
}
