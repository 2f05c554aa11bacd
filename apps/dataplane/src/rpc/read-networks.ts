import type { Cidr } from '@overlay/allocation';
import {
  type AgentNetwork,
  type Assignment,
  type Bridge,
  type Network,
  NetworkPhase,
} from '@overlay/contracts';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import type { BridgeHalves, ClusterNetwork, HostNetwork } from '../desired/host-description.js';
import { CNI_BRIDGE_PREFIX, DOCKER_BRIDGE_PREFIX, SHARED_BRIDGE_PREFIX } from '../kernel/ownership.js';
import type { FieldReader } from './field-reader.js';
import { cidrOfFamily, parseInside, presentOf } from './prefix-parsers.js';

/** A network of the cluster; undefined, with violations noted, if it is wrong. */
export function readClusterNetwork(
  reader: FieldReader,
  at: string,
  network: Network,
): ClusterNetwork | undefined {
  const id = reader.read(`${at}.id`, network.id, parseNetworkId);
  const { spec } = network;
  if (spec === undefined) {
    reader.violate(`${at}.spec`, 'is missing');
    return undefined;
  }
  const name = reader.read(`${at}.spec.name`, spec.name, parseNetworkName);
  const subnets = [
    ...presentOf(reader.optional(`${at}.spec.subnet`, spec.subnet, (text) => cidrOfFamily(text, 4))),
    ...presentOf(reader.optional(`${at}.spec.subnet6`, spec.subnet6, (text) => cidrOfFamily(text, 6))),
  ];
  if (id === undefined || name === undefined) return undefined;
  return { id, name, subnets, standing: standingOf(network), isolated: spec.isolated };
}

/** A disabled network is given to no further host; where it is, it stays, and so do its containers. */
function standingOf({ phase }: Network): ClusterNetwork['standing'] {
  return phase === NetworkPhase.DELETING ? 'deleting' : 'active';
}

/** What the host has in each network; `cluster` are the networks that it may name. */
export function readHostNetworks(
  reader: FieldReader,
  assignment: Assignment,
  cluster: readonly ClusterNetwork[],
): readonly HostNetwork[] {
  return assignment.networks.flatMap((network, index) =>
    presentOf(readHostNetwork(reader, `assignment.networks[${index}]`, network, cluster)),
  );
}

function readHostNetwork(
  reader: FieldReader,
  at: string,
  network: AgentNetwork,
  cluster: readonly ClusterNetwork[],
): HostNetwork | undefined {
  const id = reader.read(`${at}.network_id`, network.networkId, parseNetworkId);
  if (id === undefined) return undefined;
  const known = cluster.find((candidate) => candidate.id === id);
  if (known === undefined) {
    reader.violate(`${at}.network_id`, `network ${id} is not among the request's networks`);
    return undefined;
  }
  const inside = (text: string) => parseInside(text, known.subnets);
  const blocks = [
    reader.optional(`${at}.subnet`, network.subnet, inside),
    reader.optional(`${at}.subnet6`, network.subnet6, inside),
    ...network.routedPrefixes.map((text, index) =>
      reader.read(`${at}.routed_prefixes[${index}]`, text, inside),
    ),
  ].flatMap(presentOf);
  const prefixes = [...new Set(blocks)];
  const bridgeOf = (field: string, bridge: Bridge | undefined, prefix: string) =>
    bridge && readBridge(reader, `${at}.${field}`, bridge, `${prefix}${known.name}`, prefixes);
  // Where both runtimes share the block, it is on one bridge of ours, which both fields name.
  const isShared = network.cniBridge?.name === `${SHARED_BRIDGE_PREFIX}${known.name}`;
  const prefixOf = (prefix: string) => (isShared ? SHARED_BRIDGE_PREFIX : prefix);
  const cniBridge = bridgeOf('cni_bridge', network.cniBridge, prefixOf(CNI_BRIDGE_PREFIX));
  const named = bridgeOf('docker_bridge', network.dockerBridge, prefixOf(DOCKER_BRIDGE_PREFIX));
  const dockerBridge = isShared ? undefined : named;
  return {
    id,
    name: known.name,
    prefixes,
    ...(cniBridge === undefined ? {} : { cniBridge }),
    ...(dockerBridge === undefined ? {} : { dockerBridge }),
  };
}

function readBridge(
  reader: FieldReader,
  at: string,
  bridge: Bridge,
  expected: string,
  prefixes: readonly Cidr[],
): BridgeHalves {
  if (bridge.name !== expected)
    reader.violate(`${at}.name`, `"${bridge.name}" is not the bridge of the network, ${expected}`);
  const inside = (text: string) => parseInside(text, prefixes);
  const halves = [
    ...presentOf(reader.optional(`${at}.ip`, bridge.ip, inside)),
    ...presentOf(reader.optional(`${at}.ip6`, bridge.ip6, inside)),
  ];
  return { name: expected, halves };
}

/** Notes networks that are there twice. */
export function checkDistinct(
  reader: FieldReader,
  cluster: readonly ClusterNetwork[],
  host: readonly HostNetwork[],
): void {
  const repeated = (values: readonly string[]) =>
    values.filter((value, index) => values.indexOf(value) !== index);
  for (const id of repeated(cluster.map((network) => network.id)))
    reader.violate('networks', `network id ${id} is there twice`);
  for (const id of repeated(host.map((network) => network.id)))
    reader.violate('assignment.networks', `network id ${id} is there twice`);
}
