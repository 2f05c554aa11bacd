import { OverlayError } from '@overlay/failure';
import {
  ADDRESS_BITS,
  addressToInteger,
  familyOf,
  type IpAddress,
  type IpFamily,
  integerToAddress,
  readIpAddress,
} from './ip-address.js';
import { ipv4ToNumber } from './ipv4-number.js';
import { ipv6ToGroups } from './ipv6-groups.js';

declare const cidrBrand: unique symbol;
declare const interfaceAddressBrand: unique symbol;

/** A prefix without host bits in its one canonical spelling, for example `9.0.1.0/24` (RFC 4632, RFC 4291 2.3). */
export type Cidr = string & { readonly [cidrBrand]: true };

/** An address with the length of the prefix it lives in, for example `44.128.0.2/20`, canonical. */
export type InterfaceAddress = string & { readonly [interfaceAddressBrand]: true };

const GROUP_BITS = 16;
const LENGTH = /^(?:0|[1-9]\d{0,2})$/;

/**
 * Parses `address/length`.
 * @throws OverlayError `invalid_argument` if the text is no prefix, or has bits set behind the prefix length
 * (the message then names the prefix that was probably meant).
 */
export function parseCidr(text: string): Cidr {
  const { address, length } = splitPrefix(text);
  const cidr = `${address}/${length}` as Cidr;
  if (!hasHostBits(cidr)) return cidr;
  const family = familyOf(address);
  const hostBits = BigInt(ADDRESS_BITS[family] - length);
  const meant = cidrFrom(family, (addressToInteger(address) >> hostBits) << hostBits, length);
  throw new OverlayError('invalid_argument', `"${text}" has host bits set; the prefix is ${meant}`);
}

/**
 * Parses `address/length` where the address may have host bits.
 * @throws OverlayError `invalid_argument`.
 */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const { address, length } = splitPrefix(text);
  return `${address}/${length}` as InterfaceAddress;
}

/** The address with the prefix's length, for example `44.128.0.2` in `44.128.0.0/20` → `44.128.0.2/20`. */
export function addressInPrefix(address: IpAddress, prefix: Cidr): InterfaceAddress {
  return `${address}/${prefixLength(prefix)}` as InterfaceAddress;
}

/** The address of an interface address, without its length. */
export function interfaceIp(address: InterfaceAddress): IpAddress {
  return address.slice(0, address.indexOf('/')) as IpAddress;
}

/**
 * The prefix of `length` bits that starts at the integer address `first`.
 * @throws OverlayError `internal` if `first` has host bits or does not fit.
 */
export function cidrFrom(family: IpFamily, first: bigint, length: number): Cidr {
  const hostBits = BigInt(ADDRESS_BITS[family] - length);
  if (hostBits < 0n || (first >> hostBits) << hostBits !== first) {
    throw new OverlayError('internal', `no IPv${family} /${length} starts at ${first}`);
  }
  return `${integerToAddress(family, first)}/${length}` as Cidr;
}

/** The prefix's family. */
export function cidrFamily(cidr: Cidr): IpFamily {
  return cidr.includes(':') ? 6 : 4;
}

/** The prefix's length in bits: 0 to 32 or 128. */
export function prefixLength(cidr: Cidr | InterfaceAddress): number {
  return Number(cidr.slice(cidr.indexOf('/') + 1));
}

/** The prefix's first address. */
export function networkAddress(cidr: Cidr): IpAddress {
  return cidr.slice(0, cidr.indexOf('/')) as IpAddress;
}

/** The prefix's first and last address as integers, both inclusive. */
export function cidrRange(cidr: Cidr): { readonly first: bigint; readonly last: bigint } {
  const first = addressToInteger(networkAddress(cidr));
  return { first, last: first + cidrSize(cidr) - 1n };
}

/** How many addresses the prefix has: 2^hostbits. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(ADDRESS_BITS[cidrFamily(cidr)] - prefixLength(cidr));
}

/**
 * The address `offset` places after the prefix's first; a negative offset counts from the end (-1 is the last).
 * @throws OverlayError `internal` if the offset lies outside the prefix.
 */
export function addressAt(cidr: Cidr, offset: bigint): IpAddress {
  const size = cidrSize(cidr);
  const place = offset < 0n ? size + offset : offset;
  if (place < 0n || place >= size) {
    throw new OverlayError('internal', `${cidr} has no address at offset ${offset}`);
  }
  return integerToAddress(cidrFamily(cidr), addressToInteger(networkAddress(cidr)) + place);
}

/** True if the address lies in the prefix; false across families. */
export function containsAddress(cidr: Cidr, address: IpAddress): boolean {
  const family = cidrFamily(cidr);
  if (family !== familyOf(address)) return false;
  return family === 4 ? containsIpv4(cidr, address) : containsIpv6(cidr, address);
}

/** Without bigint, for a master asks this a dozen times for every registration, and a host for every peer. */
function containsIpv4(cidr: Cidr, address: IpAddress): boolean {
  const first = ipv4ToNumber(cidr, cidr.indexOf('/')) ?? 0;
  const offset = (ipv4ToNumber(address) ?? -1) - first;
  return offset >= 0 && offset < 2 ** (ADDRESS_BITS[4] - prefixLength(cidr));
}

function containsIpv6(cidr: Cidr, address: IpAddress): boolean {
  const network = groupsOf(cidr);
  const groups = ipv6ToGroups(address) ?? [];
  const length = prefixLength(cidr);
  return network.every((group, at) => ((group ^ (groups[at] ?? 0)) & ~hostMask(length, at)) === 0);
}

/** True if every address of `inner` lies in `outer` (equal prefixes included); false across families. */
export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  return prefixLength(inner) >= prefixLength(outer) && containsAddress(outer, networkAddress(inner));
}

/** True if the prefixes share an address; false across families. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return containsCidr(a, b) || containsCidr(b, a);
}

/**
 * The two equal halves of a prefix, lower first.
 * @throws OverlayError `internal` for a single address.
 */
export function halvesOf(cidr: Cidr): readonly [lower: Cidr, upper: Cidr] {
  const family = cidrFamily(cidr);
  const length = prefixLength(cidr) + 1;
  if (length > ADDRESS_BITS[family]) throw new OverlayError('internal', `${cidr} cannot be halved`);
  const { first } = cidrRange(cidr);
  return [cidrFrom(family, first, length), cidrFrom(family, first + cidrSize(cidr) / 2n, length)];
}

/**
 * The prefix's first and last address as texts in the order of addresses: of two addresses of one family the lower has
 * the lower text (compared as JavaScript compares texts). They serve as keys where integers would be slow.
 */
export function cidrOrder(cidr: Cidr): { readonly first: string; readonly last: string } {
  const length = prefixLength(cidr);
  if (cidrFamily(cidr) === 6) {
    const groups = groupsOf(cidr);
    const last = groups.map((group, at) => group | hostMask(length, at));
    return { first: String.fromCharCode(...groups), last: String.fromCharCode(...last) };
  }
  const first = ipv4ToNumber(cidr, cidr.indexOf('/')) ?? 0;
  const last = first + 2 ** (ADDRESS_BITS[4] - length) - 1;
  return { first: ipv4Order(first), last: ipv4Order(last) };
}

/** The place of one address in the order of {@link cidrOrder}. */
export function addressOrder(address: IpAddress): string {
  if (familyOf(address) === 4) return ipv4Order(ipv4ToNumber(address) ?? 0);
  return String.fromCharCode(...(ipv6ToGroups(address) ?? []));
}

function ipv4Order(value: number): string {
  return String.fromCharCode(value >>> 16, value & 0xffff);
}

function hasHostBits(cidr: Cidr): boolean {
  const length = prefixLength(cidr);
  if (cidrFamily(cidr) === 6) return groupsOf(cidr).some((group, at) => (group & hostMask(length, at)) !== 0);
  const first = ipv4ToNumber(cidr, cidr.indexOf('/')) ?? 0;
  return first % 2 ** (ADDRESS_BITS[4] - length) !== 0;
}

function groupsOf(cidr: Cidr): readonly number[] {
  return ipv6ToGroups(cidr, cidr.indexOf('/')) ?? [];
}

/** The bits of an IPv6 address's group number `at` that lie behind the prefix length. */
function hostMask(length: number, at: number): number {
  const networkBits = Math.min(Math.max(length - at * GROUP_BITS, 0), GROUP_BITS);
  return 0xffff >> networkBits;
}

function splitPrefix(text: string): { address: IpAddress; length: number } {
  const slash = text.indexOf('/');
  const lengthText = slash < 0 ? '' : text.slice(slash + 1);
  if (!LENGTH.test(lengthText)) {
    throw new OverlayError('invalid_argument', `"${text}" is not a prefix written as address/length`);
  }
  const addressText = text.slice(0, slash);
  const address = readIpAddress(addressText);
  if (address === undefined) {
    throw new OverlayError('invalid_argument', `"${text}": "${addressText}" is not an IPv4 or IPv6 address`);
  }
  const length = Number(lengthText);
  const bits = ADDRESS_BITS[familyOf(address)];
  if (length > bits) {
    const family = familyOf(address);
    throw new OverlayError('invalid_argument', `"${text}": an IPv${family} prefix has at most ${bits} bits`);
  }
  return { address, length };
}
