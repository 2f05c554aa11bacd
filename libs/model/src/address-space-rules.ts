import { type Cidr, type IpFamily, isGroupMac, macToInteger, prefixLength } from '@overlay/allocation';
import type { FieldViolation } from '@overlay/failure';
import { fieldPath } from './field-path.js';
import { forbiddenRangeOf } from './forbidden-range.js';
import { MTU_MAX_BYTES, MTU_MIN_BYTES, MTU_MIN_IPV6_BYTES } from './mtu.js';
import type { AddressSpaceDefinition } from './records.js';

/** Shortest VTEP subnet: the MAC takes 24 bits of the address, so more would not be unique. */
const VTEP_SUBNET_MIN_LENGTH = 8;

/** Longest VTEP subnets: network and broadcast address are left out, and one host at least has to fit. */
const VTEP_SUBNET_MAX_LENGTH: Readonly<Record<IpFamily, number>> = { 4: 30, 6: 126 };

/** The rules for the address space that networks share. What is absent (unreadable) is not judged. */
export function checkAddressSpace(
  addressSpace: Partial<AddressSpaceDefinition>,
  basePath: string,
): readonly FieldViolation[] {
  const { vtepSubnet, vtepSubnet6, vtepMacOui, vtepMtuBytes } = addressSpace;
  const violations: FieldViolation[] = [];
  const report = (key: string, description: string): void => {
    violations.push({ field: fieldPath(basePath, key), description });
  };
  if (vtepSubnet !== undefined) {
    if (prefixLength(vtepSubnet) < VTEP_SUBNET_MIN_LENGTH) {
      const rule = 'the VTEP subnet is a /8 or longer, for the MAC addresses carry 24 bits of the address';
      report('vtep_subnet', `${vtepSubnet} is too large: ${rule} and would not be unique`);
    }
    for (const description of vtepSubnetFaults(vtepSubnet, 4)) report('vtep_subnet', description);
  }
  if (vtepSubnet6 !== undefined) {
    for (const description of vtepSubnetFaults(vtepSubnet6, 6)) report('vtep_subnet6', description);
  }
  if (vtepMacOui !== undefined) {
    if (isGroupMac(vtepMacOui)) {
      const rule = 'the lowest bit of the first byte must be 0 (unicast)';
      report('vtep_mac_oui', `${vtepMacOui} is a multicast address: ${rule}, as in 70:B3:D5:00:00:00`);
    }
    if (macToInteger(vtepMacOui) % 2 ** 24 !== 0) {
      const rule = 'an OUI has its last three bytes zero';
      report('vtep_mac_oui', `${vtepMacOui} is no OUI: ${rule}, as in ${vtepMacOui.slice(0, 8)}:00:00:00`);
    }
  }
  if (vtepMtuBytes !== undefined) {
    const least = vtepSubnet6 === undefined ? MTU_MIN_BYTES : MTU_MIN_IPV6_BYTES;
    if (vtepMtuBytes < least || vtepMtuBytes > MTU_MAX_BYTES) {
      const why = vtepSubnet6 === undefined ? '' : ', for vtep_subnet6 makes it carry IPv6 (RFC 8200)';
      report(
        'vtep_mtu',
        `${vtepMtuBytes} is out of range: the VTEP MTU is ${least} to ${MTU_MAX_BYTES}${why}`,
      );
    }
  }
  return violations;
}

function vtepSubnetFaults(subnet: Cidr, family: IpFamily): readonly string[] {
  const faults: string[] = [];
  const longest = VTEP_SUBNET_MAX_LENGTH[family];
  if (prefixLength(subnet) > longest) {
    faults.push(`${subnet} has no host address: an IPv${family} VTEP subnet is a /${longest} or shorter`);
  }
  const forbidden = forbiddenRangeOf(subnet);
  if (forbidden !== undefined) {
    const way = 'choose a subnet outside it';
    faults.push(`${subnet} overlaps ${forbidden.range}, ${forbidden.purpose}; ${way}`);
  }
  return faults;
}
