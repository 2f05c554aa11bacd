import { type Cidr, cidrsOverlap, containsAddress, type IpAddress, parseCidr } from '@overlay/allocation';

/** A part of the address space that neither hosts nor containers may have. */
export interface ForbiddenRange {
  readonly range: Cidr;
  /** What the range is for, as a person calls it. */
  readonly purpose: string;
}

/** Every such range. */
export const FORBIDDEN_RANGES: readonly ForbiddenRange[] = [
  { range: parseCidr('0.0.0.0/8'), purpose: 'the unspecified range (RFC 1122 3.2.1.3)' },
  { range: parseCidr('127.0.0.0/8'), purpose: 'loopback (RFC 1122 3.2.1.3)' },
  { range: parseCidr('169.254.0.0/16'), purpose: 'link-local (RFC 3927)' },
  { range: parseCidr('224.0.0.0/4'), purpose: 'multicast (RFC 5771)' },
  { range: parseCidr('255.255.255.255/32'), purpose: 'broadcast (RFC 919)' },
  { range: parseCidr('::/128'), purpose: 'the unspecified address (RFC 4291 2.5.2)' },
  { range: parseCidr('::1/128'), purpose: 'loopback (RFC 4291 2.5.3)' },
  { range: parseCidr('::ffff:0:0/96'), purpose: 'IPv4-mapped (RFC 4291 2.5.5.2)' },
  { range: parseCidr('fe80::/10'), purpose: 'link-local (RFC 4291 2.5.6)' },
  { range: parseCidr('ff00::/8'), purpose: 'multicast (RFC 4291 2.7)' },
];

/** The first range that the prefix has any address of; undefined if hosts and containers may have them all. */
export function forbiddenRangeOf(prefix: Cidr): ForbiddenRange | undefined {
  return FORBIDDEN_RANGES.find(({ range }) => cidrsOverlap(range, prefix));
}

/** The range that the address lies in; undefined if a host or container may have it. */
export function forbiddenRangeAt(address: IpAddress): ForbiddenRange | undefined {
  return FORBIDDEN_RANGES.find(({ range }) => containsAddress(range, address));
}
