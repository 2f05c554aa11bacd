import {
  addressAt,
  type Cidr,
  cidrFamily,
  containsAddress,
  containsCidr,
  familyOf,
  type IpAddress,
  prefixLength,
} from '@overlay/allocation';
import {
  type AddressSpaceDefinition,
  type NetworkId,
  type NetworkRecord,
  type NodeRecord,
  vtepMac,
} from '@overlay/model';
import type { LogProblem } from './log-problem.js';

/** What a node's record is judged by. */
export interface NodeSurroundings {
  readonly addressSpace: AddressSpaceDefinition | undefined;
  readonly networks: ReadonlyMap<NetworkId, NetworkRecord>;
}

/** The rules that concern one node's record, or one former node's, and nothing of the other nodes. */
export function checkNode(key: string, node: NodeRecord, around: NodeSurroundings): readonly LogProblem[] {
  const space = around.addressSpace;
  return [...(space === undefined ? [] : checkVtep(key, node, space)), ...checkNetworks(key, node, around)];
}

function checkVtep(key: string, node: NodeRecord, space: AddressSpaceDefinition): readonly LogProblem[] {
  const problems: LogProblem[] = [];
  const addresses: readonly (readonly [IpAddress | undefined, Cidr | undefined, string])[] = [
    [node.vtepIp, space.vtepSubnet, 'vtep_subnet'],
    [node.vtepIp6, space.vtepSubnet6, 'vtep_subnet6'],
  ];
  for (const [address, subnet, name] of addresses) {
    if (address === undefined || (subnet !== undefined && isHostAddress(subnet, address))) continue;
    const where = subnet === undefined ? `there is no ${name}` : `it is no host address of ${name} ${subnet}`;
    problems.push({ key, rule: 'vtep-in-subnet', description: `has the VTEP address ${address}: ${where}` });
  }
  const mac = familyOf(node.vtepIp) === 4 ? vtepMac(space.vtepMacOui, node.vtepIp) : undefined;
  if (mac !== undefined && mac !== node.vtepMac) {
    const description = `has the MAC ${node.vtepMac}: ${node.vtepIp} under OUI ${space.vtepMacOui} makes ${mac}`;
    problems.push({ key, rule: 'vtep-mac', description });
  }
  return problems;
}

/**
 * True for all but the first and the last address, which masters give to nobody in either family; but earlier releases
 * gave the last one of an IPv6 subnet, and what has it keeps it.
 */
function isHostAddress(subnet: Cidr, address: IpAddress): boolean {
  if (!containsAddress(subnet, address) || address === addressAt(subnet, 0n)) return false;
  return familyOf(address) === 6 || address !== addressAt(subnet, -1n);
}

function checkNetworks(key: string, node: NodeRecord, { networks }: NodeSurroundings): readonly LogProblem[] {
  const problems: LogProblem[] = [];
  const seen = new Set<NetworkId>();
  for (const { networkId, prefixes } of node.networks) {
    const network = networks.get(networkId);
    if (seen.has(networkId)) {
      problems.push({ key, rule: 'known-network', description: `lists network ${networkId} twice` });
    }
    seen.add(networkId);
    if (network === undefined || network.phase === 'deleted') {
      const state = network === undefined ? 'which is not there' : 'which was deleted';
      problems.push({
        key,
        rule: 'known-network',
        description: `has a part of network ${networkId}, ${state}`,
      });
      continue;
    }
    for (const prefix of prefixes) {
      const fault = blockFault(prefix, network);
      if (fault !== undefined) {
        const description = `has ${prefix} in network ${network.definition.name}: ${fault}`;
        problems.push({ key, rule: 'block-in-network', description });
      }
    }
  }
  return problems;
}

function blockFault(prefix: Cidr, { definition }: NetworkRecord): string | undefined {
  const plan = cidrFamily(prefix) === 4 ? definition.ipv4 : definition.ipv6;
  if (plan === undefined) return `the network has no IPv${cidrFamily(prefix)}`;
  if (!containsCidr(plan.subnet, prefix)) return `it lies outside ${plan.subnet}`;
  if (prefixLength(prefix) !== plan.blockLength) return `a block of it is a /${plan.blockLength}`;
  return undefined;
}
