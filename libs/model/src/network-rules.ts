import { cidrFamily, cidrsOverlap, type IpFamily, prefixLength } from '@overlay/allocation';
import type { FieldViolation } from '@overlay/failure';
import { checkAddressSpace } from './address-space-rules.js';
import { fieldPath } from './field-path.js';
import { forbiddenRangeOf } from './forbidden-range.js';
import { findOverlaps, type OwnedSubnet, overlapViolation } from './overlaps.js';
import type { AddressSpaceDefinition, NetworkDefinition, SubnetPlan } from './records.js';

/** Longest blocks: each half has to hold a container. */
const BLOCK_MAX_LENGTH: Readonly<Record<IpFamily, number>> = { 4: 29, 6: 125 };

/**
 * Every rule for an address space with its networks (design of the product, "Allocation"). Empty if all is right.
 * @param addressSpace what could be read of it; absent fields are not judged.
 * @param definitions in the order they are written; undefined stands for one that could not be read.
 * @param basePath path of the block they stand in: networks are `<basePath>.overlays[i]`.
 */
export function checkNetworkDefinitions(
  addressSpace: Partial<AddressSpaceDefinition>,
  definitions: readonly (NetworkDefinition | undefined)[],
  basePath = 'network',
): readonly FieldViolation[] {
  const violations = [...checkAddressSpace(addressSpace, basePath)];
  const subnets = [...vtepSubnets(addressSpace, basePath)];
  for (const [index, definition] of definitions.entries()) {
    if (definition === undefined) continue;
    const path = fieldPath(fieldPath(basePath, 'overlays'), index);
    violations.push(...checkAlone(addressSpace, definition, path));
    subnets.push(...networkSubnets(definition, path));
  }
  const names = definitions.map((definition) => definition?.name);
  return [...violations, ...checkNamesDiffer(names, basePath), ...findOverlaps(subnets)];
}

/**
 * The rule that no two networks share a name.
 * @param names in the order they are written; undefined stands for one that could not be read.
 * @param basePath path of the block they stand in.
 */
export function checkNamesDiffer(
  names: readonly (string | undefined)[],
  basePath: string,
): readonly FieldViolation[] {
  const firstWithName = new Map<string, string>();
  return names.flatMap((name, index) => {
    if (name === undefined) return [];
    const path = fieldPath(fieldPath(basePath, 'overlays'), index);
    const earlier = firstWithName.get(name);
    if (earlier !== undefined) return [nameTaken(name, path, earlier)];
    firstWithName.set(name, path);
    return [];
  });
}

/**
 * Every rule for one more network beside those that are there. O(n) in the number of networks.
 * @param basePath path of the candidate in the request.
 */
export function checkNewNetwork(
  addressSpace: AddressSpaceDefinition,
  existing: Iterable<NetworkDefinition>,
  candidate: NetworkDefinition,
  basePath = 'network',
): readonly FieldViolation[] {
  const violations = [...checkAlone(addressSpace, candidate, basePath)];
  const taken = [...vtepSubnets(addressSpace, '')];
  for (const network of existing) {
    if (network.name === candidate.name) violations.push(nameTaken(candidate.name, basePath));
    taken.push(...networkSubnets(network, ''));
  }
  for (const subnet of networkSubnets(candidate, basePath)) {
    const other = taken.find((owned) => cidrsOverlap(owned.subnet, subnet.subnet));
    if (other !== undefined) violations.push(overlapViolation(subnet, other));
  }
  return violations;
}

/** The rules that concern one network alone. @param path of the network in the request. */
export function checkNetworkAlone(definition: NetworkDefinition, path: string): readonly FieldViolation[] {
  const { ipv4, ipv6 } = definition;
  return [
    ...(ipv4 === undefined ? [] : checkPlan(ipv4, 4, path)),
    ...(ipv6 === undefined ? [] : checkPlan(ipv6, 6, path)),
  ];
}

/** The rules that concern one network and the address space. */
function checkAlone(
  addressSpace: Partial<AddressSpaceDefinition>,
  definition: NetworkDefinition,
  path: string,
): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  if (definition.ipv4 === undefined && definition.ipv6 === undefined) {
    const rule = 'a network has subnet and prefix, or subnet6 and prefix6, or all four';
    violations.push({ field: path, description: `network ${definition.name} has no address space: ${rule}` });
  }
  if (definition.ipv4 !== undefined) violations.push(...checkPlan(definition.ipv4, 4, path));
  if (definition.ipv6 !== undefined) {
    violations.push(...checkPlan(definition.ipv6, 6, path));
    if (addressSpace.vtepSubnet6 === undefined) {
      const rule = 'an IPv6 network needs vtep_subnet6 beside vtep_subnet, for example fd01:a::/64';
      const description = `${definition.ipv6.subnet} of network ${definition.name} has no IPv6 VTEPs: ${rule}`;
      violations.push({ field: fieldPath(path, 'subnet6'), description });
    }
  }
  return violations;
}

function checkPlan(plan: SubnetPlan, family: IpFamily, path: string): readonly FieldViolation[] {
  const suffix = family === 4 ? '' : '6';
  const subnetField = fieldPath(path, `subnet${suffix}`);
  const prefixField = fieldPath(path, `prefix${suffix}`);
  const { subnet, blockLength } = plan;
  const violations: FieldViolation[] = [];
  const actual = cidrFamily(subnet);
  if (actual !== family) {
    const other = `subnet${actual === 4 ? '' : '6'}`;
    const description = `${subnet} is an IPv${actual} prefix, but subnet${suffix} is for IPv${family}; put it under ${other}`;
    return [{ field: subnetField, description }];
  }
  const forbidden = forbiddenRangeOf(subnet);
  if (forbidden !== undefined) {
    const description = `${subnet} overlaps ${forbidden.range}, ${forbidden.purpose}; choose a subnet outside it`;
    violations.push({ field: subnetField, description });
  }
  violations.push(...checkBlockLength(blockLength, family, prefixField));
  if (blockLength <= prefixLength(subnet)) {
    const rule = `the prefix lies strictly inside the subnet ${subnet}, so at least ${prefixLength(subnet) + 1}`;
    violations.push({ field: prefixField, description: `${blockLength} is too short: ${rule}` });
  }
  return violations;
}

/** The rule for the length of a block that does not depend on its subnet. @param field that it stands in. */
export function checkBlockLength(
  blockLength: number,
  family: IpFamily,
  field: string,
): readonly FieldViolation[] {
  const longest = BLOCK_MAX_LENGTH[family];
  if (Number.isInteger(blockLength) && blockLength <= longest) return [];
  const rule = `a block is at most a /${longest}, so that each of its halves holds a container`;
  return [{ field, description: `${blockLength} is too long: ${rule}` }];
}

function nameTaken(name: string, path: string, earlier?: string): FieldViolation {
  const where = earlier === undefined ? 'a network that is there' : earlier;
  const description = `"${name}" is the name of ${where} already: names are unique; choose another`;
  return { field: fieldPath(path, 'name'), description };
}

function vtepSubnets(
  addressSpace: Partial<AddressSpaceDefinition>,
  basePath: string,
): readonly OwnedSubnet[] {
  const { vtepSubnet, vtepSubnet6 } = addressSpace;
  const owner = 'the VTEPs';
  return [
    ...(vtepSubnet === undefined
      ? []
      : [{ subnet: vtepSubnet, field: fieldPath(basePath, 'vtep_subnet'), owner }]),
    ...(vtepSubnet6 === undefined
      ? []
      : [{ subnet: vtepSubnet6, field: fieldPath(basePath, 'vtep_subnet6'), owner }]),
  ];
}

function networkSubnets(definition: NetworkDefinition, path: string): readonly OwnedSubnet[] {
  const { ipv4, ipv6 } = definition;
  const owner = `network ${definition.name}`;
  return [
    ...(ipv4 === undefined ? [] : [{ subnet: ipv4.subnet, field: fieldPath(path, 'subnet'), owner }]),
    ...(ipv6 === undefined ? [] : [{ subnet: ipv6.subnet, field: fieldPath(path, 'subnet6'), owner }]),
  ];
}
