import type { NetworkDefinition, NetworkId, NetworkRecord, NodeRecord } from '@overlay/model';

/** True if both define the same network in every respect. */
export function sameDefinition(a: NetworkDefinition, b: NetworkDefinition): boolean {
  return a.name === b.name && sameSpaces(a, b) && a.enabled === b.enabled && a.isolated === b.isolated;
}

/** True if both have the same address spaces in blocks of the same length. */
export function sameSpaces(a: NetworkDefinition, b: NetworkDefinition): boolean {
  return spacesOf(a) === spacesOf(b);
}

/** The address spaces for people, for example `9.0.0.0/8 in /26`. */
export function spacesOf({ ipv4, ipv6 }: NetworkDefinition): string {
  return [ipv4, ipv6]
    .filter((plan) => plan !== undefined)
    .map(({ subnet, blockLength }) => `${subnet} in /${blockLength}`)
    .join(' and ');
}

/** True if some master's configuration may name the network. */
export function mayBeConfigured({ origin, configured }: NetworkRecord): boolean {
  return origin === 'configuration' || configured === true;
}

/** The network with the log's word over the configuration's; that one may name it is remembered. */
export function asRuntime(network: NetworkRecord): NetworkRecord {
  return { ...network, origin: 'runtime', ...(mayBeConfigured(network) ? { configured: true } : {}) };
}

/**
 * True if a node that registers gets a block of the network, as long as one is left: not if it is disabled or being
 * deleted.
 */
export function givesBlocks({ definition, phase }: NetworkRecord): boolean {
  return definition.enabled && phase === 'active';
}

/** True if the node wanted no blocks when it registered last, as its having none in a network that gives some tells. */
export function isGateway(node: NodeRecord, networks: ReadonlyMap<NetworkId, NetworkRecord>): boolean {
  return node.networks.some(({ networkId, prefixes }) => {
    const network = networks.get(networkId);
    return prefixes.length === 0 && network !== undefined && givesBlocks(network);
  });
}
