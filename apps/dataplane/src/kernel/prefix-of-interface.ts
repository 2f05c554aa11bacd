import {
  ADDRESS_BITS,
  addressToInteger,
  type Cidr,
  cidrFrom,
  familyOf,
  type InterfaceAddress,
  interfaceIp,
  prefixLength,
} from '@overlay/allocation';

/** The prefix that an interface address lives in, for example 44.128.0.2/20 → 44.128.0.0/20. */
export function prefixOfInterface(address: InterfaceAddress): Cidr {
  const ip = interfaceIp(address);
  const length = prefixLength(address);
  const hostBits = BigInt(ADDRESS_BITS[familyOf(ip)] - length);
  return cidrFrom(familyOf(ip), (addressToInteger(ip) >> hostBits) << hostBits, length);
}
