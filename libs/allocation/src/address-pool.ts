import { addressAt, type Cidr, cidrFamily } from './cidr.js';
import type { IpAddress } from './ip-address.js';
import { numberAddresses } from './numbering.js';
import { ValuePool } from './value-pool.js';

/**
 * Hands out the host addresses of a prefix, the lowest free first. It never hands out an IPv4 prefix's first
 * and last address (network and broadcast, RFC 919), an IPv6 prefix's first (the subnet-router anycast
 * address, RFC 4291 section 2.6.1), or the addresses that the caller excludes, such as the gateway.
 */
export class AddressPool extends ValuePool<IpAddress> {
  readonly prefix: Cidr;

  /** @throws OverlayError `internal` if an excluded address lies outside the prefix. */
  constructor(prefix: Cidr, excluded: readonly IpAddress[] = []) {
    super(numberAddresses(prefix, 0), [...addressesWithoutHost(prefix), ...excluded]);
    this.prefix = prefix;
  }
}

function addressesWithoutHost(prefix: Cidr): readonly IpAddress[] {
  const network = addressAt(prefix, 0n);
  return cidrFamily(prefix) === 4 ? [network, addressAt(prefix, -1n)] : [network];
}
