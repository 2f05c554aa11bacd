import { addressInPrefix, type Cidr, cidrFamily } from '@overlay/allocation';
import {
  type AddressSpace,
  type AgentNetwork,
  type Assignment,
  type Bridge,
  type Network,
  NetworkOrigin,
  NetworkPhase,
  type NetworkSpec,
  type NetworkState,
  NetworkStatus,
  type Peer,
  type Vtep,
} from '@overlay/contracts';
import {
  type AddressSpaceDefinition,
  type BridgeKind,
  bridgeName,
  cniHalf,
  dockerHalf,
  type NetworkDefinition,
  type NetworkId,
  type NetworkRecord,
  type NodeNetwork,
  type NodeRecord,
  VTEP_DEVICE,
  VTEP_VNI,
} from '@overlay/model';
import { givesBlocks, isGateway } from '../cluster/network-definitions.js';

/** What an assignment is made from beside the node's record. */
export interface AssignmentSources {
  readonly addressSpace: AddressSpaceDefinition;
  readonly networks: ReadonlyMap<NetworkId, NetworkRecord>;
  /** What the agent reported of a network; undefined if nothing. */
  readonly stateOf: (id: NetworkId) => NetworkState | undefined;
  /** True if the network has no block left for another node. */
  readonly isExhausted: (network: NetworkRecord) => boolean;
}

/** The definition as a message: '' and 0 for what is unset. */
export function toNetworkSpec(definition: NetworkDefinition): NetworkSpec {
  return {
    name: definition.name,
    subnet: definition.ipv4?.subnet ?? '',
    prefix: definition.ipv4?.blockLength ?? 0,
    subnet6: definition.ipv6?.subnet ?? '',
    prefix6: definition.ipv6?.blockLength ?? 0,
    disabled: !definition.enabled,
    isolated: definition.isolated,
  };
}

/** The network as a message. */
export function toNetwork(network: NetworkRecord): Network {
  return {
    id: network.id,
    spec: toNetworkSpec(network.definition),
    origin: network.origin === 'runtime' ? NetworkOrigin.RUNTIME : NetworkOrigin.CONFIGURATION,
    phase: network.phase === 'deleting' ? NetworkPhase.DELETING : NetworkPhase.ACTIVE,
  };
}

/** The address space as a message. @param vtepMacOui the OUI in its configured spelling. */
export function toAddressSpace(space: AddressSpaceDefinition, vtepMacOui: string): AddressSpace {
  return {
    vtepSubnet: space.vtepSubnet,
    vtepSubnet6: space.vtepSubnet6 ?? '',
    vtepMacOui,
    vtepMtu: space.vtepMtuBytes ?? 0,
  };
}

/** The node as its peers need to know it. */
export function toPeer(node: NodeRecord): Peer {
  return {
    nodeId: node.id,
    ip: node.ip,
    vtepIp: node.vtepIp,
    vtepIp6: node.vtepIp6 ?? '',
    vtepMac: node.vtepMac,
    prefixes: node.networks.flatMap(({ networkId, prefixes }) =>
      prefixes.map((prefix) => ({ networkId, prefix })),
    ),
  };
}

/** Everything assigned to the node, in the order of the networks' names, with the state of each network. */
export function toAssignment(node: NodeRecord, sources: AssignmentSources): Assignment {
  const held = new Map(node.networks.map((network) => [network.networkId, network]));
  const wantsBlocks = !isGateway(node, sources.networks);
  const networks: AgentNetwork[] = [];
  for (const network of [...sources.networks.values()].sort(byName)) {
    const assigned = held.get(network.id);
    if (assigned !== undefined)
      networks.push(assignedNetwork(network, assigned, sources.stateOf(network.id)));
    else if (wantsBlocks && isWithoutBlock(network, sources)) networks.push(blocklessNetwork(network));
  }
  return { nodeId: node.id, ip: node.ip, vtep: toVtep(node, sources.addressSpace), networks };
}

/** Names, unlike ids, are the same on every cluster and stay in order when the log is loaded again. */
function byName(a: NetworkRecord, b: NetworkRecord): number {
  return a.definition.name < b.definition.name ? -1 : 1;
}

/**
 * A network that a node could not get stays FAILED, as the node says, until it registers again and has it: blocks that
 * are free again by now change nothing for it. One that is new to the node is not there yet.
 */
function isWithoutBlock(network: NetworkRecord, { isExhausted, stateOf }: AssignmentSources): boolean {
  if (!givesBlocks(network)) return false;
  return isExhausted(network) || stateOf(network.id)?.status === NetworkStatus.FAILED;
}

function toVtep(node: NodeRecord, space: AddressSpaceDefinition): Vtep {
  const { vtepIp6 } = node;
  const ip6 =
    vtepIp6 === undefined || space.vtepSubnet6 === undefined
      ? ''
      : addressInPrefix(vtepIp6, space.vtepSubnet6);
  return {
    vni: VTEP_VNI,
    name: VTEP_DEVICE,
    ip: addressInPrefix(node.vtepIp, space.vtepSubnet),
    ip6,
    mac: node.vtepMac,
    mtu: space.vtepMtuBytes ?? 0,
  };
}

function assignedNetwork(
  network: NetworkRecord,
  assigned: NodeNetwork,
  reported: NetworkState | undefined,
): AgentNetwork {
  const { definition } = network;
  const block = assigned.prefixes.find((prefix) => cidrFamily(prefix) === 4);
  const block6 = assigned.prefixes.find((prefix) => cidrFamily(prefix) === 6);
  const half = (kind: BridgeKind, halfOf: (block: Cidr) => Cidr): Bridge => ({
    name: bridgeName(kind, definition.name),
    ip: block === undefined ? '' : halfOf(block),
    ip6: block6 === undefined ? '' : halfOf(block6),
  });
  return {
    networkId: network.id,
    network: toNetworkSpec(definition),
    subnet: block ?? '',
    subnet6: block6 ?? '',
    routedPrefixes: [...assigned.prefixes],
    cniBridge: assigned.mesosBridge ? half('cni', cniHalf) : undefined,
    dockerBridge: assigned.dockerBridge ? half('docker', dockerHalf) : undefined,
    state: reported ?? { status: NetworkStatus.CONFIGURING, error: '' },
  };
}

function blocklessNetwork(network: NetworkRecord): AgentNetwork {
  const { ipv4, ipv6, name } = network.definition;
  const spaces = [ipv4, ipv6].filter((plan) => plan !== undefined);
  const blocks = spaces.map(({ subnet, blockLength }) => `/${blockLength} of ${subnet}`).join(' or ');
  const error = `network "${name}" has no free ${blocks} left: delete agents that are gone, or add a network`;
  return {
    networkId: network.id,
    network: toNetworkSpec(network.definition),
    subnet: '',
    subnet6: '',
    routedPrefixes: [],
    cniBridge: undefined,
    dockerBridge: undefined,
    state: { status: NetworkStatus.FAILED, error },
  };
}
