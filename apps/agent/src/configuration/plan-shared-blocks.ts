import type { AgentNetwork, Assignment, Bridge } from '@overlay/contracts';

/** The bridge of a block that both runtimes share; at most 15 characters. */
function sharedBridgeName(network: string): string {
  return `o-${network}`;
}

/**
 * The assignment of a host whose runtimes share each block: both bridges of a network are one, with the whole block.
 * The master knows halves only, and counts and routes the block alike.
 */
export function planSharedBlocks(assignment: Assignment): Assignment {
  return { ...assignment, networks: assignment.networks.map(planSharedBlock) };
}

/** Whether both runtimes share the network's block on this host. */
export function isSharedBlock({ network, dockerBridge }: AgentNetwork): boolean {
  return network !== undefined && dockerBridge?.name === sharedBridgeName(network.name);
}

function planSharedBlock(network: AgentNetwork): AgentNetwork {
  const { network: spec, subnet, subnet6, cniBridge, dockerBridge } = network;
  if (spec === undefined || cniBridge === undefined || dockerBridge === undefined) return network;
  const bridge: Bridge = { name: sharedBridgeName(spec.name), ip: subnet, ip6: subnet6 };
  return { ...network, cniBridge: bridge, dockerBridge: bridge };
}
