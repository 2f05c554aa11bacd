import { containsAddress, familyOf, type IpAddress, type IpFamily } from '@overlay/allocation';
import type { FieldViolation } from '@overlay/failure';
import { forbiddenRangeAt } from './forbidden-range.js';
import type { AddressSpaceDefinition, NetworkDefinition } from './records.js';

/**
 * What forbids a node to have this underlay address: it is loopback, link-local, multicast or unspecified, lies
 * inside an overlay or the VTEP subnets (its tunnel would then run through itself), or has another family than
 * the cluster's. Empty if it is right.
 * @param underlayFamily the cluster's family, fixed by its first node; undefined before that.
 * @param field path of the address in the request.
 */
export function checkNodeIp(
  ip: IpAddress,
  addressSpace: AddressSpaceDefinition,
  networks: Iterable<NetworkDefinition>,
  underlayFamily?: IpFamily,
  field = 'ip',
): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  const forbidden = forbiddenRangeAt(ip);
  if (forbidden !== undefined) {
    const { range, purpose } = forbidden;
    violations.push({
      field,
      description: `${ip} lies in ${range}, ${purpose}; peers cannot reach it, give the address that other hosts use`,
    });
  }
  const family = familyOf(ip);
  if (underlayFamily !== undefined && family !== underlayFamily) {
    const rule = `the nodes of this cluster speak IPv${underlayFamily} with each other`;
    violations.push({
      field,
      description: `${ip} is an IPv${family} address, but ${rule}; give the node's IPv${underlayFamily} address`,
    });
  }
  for (const subnet of [addressSpace.vtepSubnet, addressSpace.vtepSubnet6]) {
    if (subnet === undefined || !containsAddress(subnet, ip)) continue;
    const description = `${ip} lies in the VTEP subnet ${subnet}; give the node's own address outside the overlay`;
    violations.push({ field, description });
  }
  for (const network of networks) {
    for (const plan of [network.ipv4, network.ipv6]) {
      if (plan === undefined || !containsAddress(plan.subnet, ip)) continue;
      const where = `the subnet ${plan.subnet} of network ${network.name}`;
      const description = `${ip} lies in ${where}; give the node's own address outside the overlay`;
      violations.push({ field, description });
    }
  }
  return violations;
}
