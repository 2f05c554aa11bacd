import {
  type Cidr,
  cidrFamily,
  containsAddress,
  containsCidr,
  type InterfaceAddress,
  type IpFamily,
  interfaceIp,
  isGroupMac,
  parseCidr,
  parseInterfaceAddress,
  parseIpAddress,
  parseMacAddress,
} from '@overlay/allocation';
import {
  type AddressSpace,
  type AgentNetwork,
  type ApplyHostRequest,
  type Assignment,
  type Bridge,
  type Network,
  NetworkPhase,
  type Vtep,
} from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import {
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  MTU_MIN_IPV6_BYTES,
  parseNetworkId,
  parseNetworkName,
  parseNodeId,
} from '@overlay/model';
import type {
  ClusterNetwork,
  HostDescription,
  HostNetwork,
  VtepDescription,
} from '../desired/host-description.js';
import { CNI_BRIDGE_PREFIX } from '../kernel/ownership.js';
import { FieldReader } from './field-reader.js';

const DEFAULT_COMMAND_TIMEOUT_MS = 15_000;
const VNI_MAX = 2 ** 24 - 1;
/** Linux device names: at most 15 bytes, and nothing that a tool could read as something else. */
const DEVICE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;

/**
 * The description of the host that a request carries.
 * @throws OverlayError `invalid_argument` with a violation for every wrong field.
 */
export function parseHost(request: ApplyHostRequest): HostDescription {
  const reader = new FieldReader();
  const { assignment, addressSpace } = request;
  if (assignment === undefined) reader.violate('assignment', 'is missing');
  if (assignment !== undefined && assignment.vtep === undefined)
    reader.violate('assignment.vtep', 'is missing');
  if (addressSpace === undefined) reader.violate('address_space', 'is missing');
  checkMtu(reader, 'overlay_mtu', request.overlayMtu, request.enableIpv6);
  if (assignment?.vtep === undefined || addressSpace === undefined) {
    reader.finish();
    throw new OverlayError('internal', 'an incomplete description had no violation');
  }
  const vtepSubnets = readVtepSubnets(reader, addressSpace);
  const clusterNetworks = request.networks.flatMap((network, index) =>
    presentOf(readClusterNetwork(reader, `networks[${index}]`, network)),
  );
  const nodeId = reader.read('assignment.node_id', assignment.nodeId, parseNodeId);
  const ip = reader.read('assignment.ip', assignment.ip, parseIpAddress);
  const vtep = readVtep(reader, assignment.vtep, request, vtepSubnets);
  const networks = readHostNetworks(reader, assignment, clusterNetworks);
  checkDistinct(reader, clusterNetworks, networks);
  reader.finish();
  if (nodeId === undefined || ip === undefined || vtep === undefined) {
    throw new OverlayError('internal', 'a wrong field of the host had no violation');
  }
  return {
    nodeId,
    ip,
    vtep,
    vtepSubnets,
    networks,
    clusterNetworks,
    overlayMtuBytes: request.overlayMtu,
    configureCniBridges: request.configureCniBridges,
    configureDockerBridges: request.configureDockerBridges,
    enableIpv6: request.enableIpv6,
    commandTimeoutMs: request.commandTimeoutMs || DEFAULT_COMMAND_TIMEOUT_MS,
  };
}

function checkMtu(reader: FieldReader, field: string, mtuBytes: number, ipv6: boolean): void {
  const least = ipv6 ? MTU_MIN_IPV6_BYTES : MTU_MIN_BYTES;
  if (mtuBytes >= least && mtuBytes <= MTU_MAX_BYTES) return;
  const rule = `an MTU${ipv6 ? ' with IPv6' : ''} is ${least} to ${MTU_MAX_BYTES} bytes`;
  reader.violate(field, `${mtuBytes} is out of range: ${rule}`);
}

function readVtepSubnets(reader: FieldReader, space: AddressSpace): readonly Cidr[] {
  return [
    ...presentOf(reader.read('address_space.vtep_subnet', space.vtepSubnet, (text) => cidrOfFamily(text, 4))),
    ...presentOf(
      reader.optional('address_space.vtep_subnet6', space.vtepSubnet6, (text) => cidrOfFamily(text, 6)),
    ),
  ];
}

function readVtep(
  reader: FieldReader,
  vtep: Vtep,
  { addressSpace, overlayMtu, enableIpv6 }: ApplyHostRequest,
  subnets: readonly Cidr[],
): VtepDescription | undefined {
  const at = 'assignment.vtep';
  const name = reader.read(`${at}.name`, vtep.name, parseDeviceName);
  const mac = reader.read(`${at}.mac`, vtep.mac, parseMacAddress);
  if (mac !== undefined && isGroupMac(mac)) reader.violate(`${at}.mac`, `${mac} is a group address`);
  const inSubnet = (family: IpFamily) => (text: string) => parseVtepAddress(text, family, subnets);
  const address = reader.read(`${at}.ip`, vtep.ip, inSubnet(4));
  const address6 = reader.optional(`${at}.ip6`, vtep.ip6, inSubnet(6));
  if (vtep.vni < 1 || vtep.vni > VNI_MAX)
    reader.violate(`${at}.vni`, `${vtep.vni} is no VXLAN network identifier (1 to ${VNI_MAX})`);
  const ownMtu = vtep.mtu || addressSpace?.vtepMtu || 0;
  if (ownMtu > 0) checkMtu(reader, `${at}.mtu`, ownMtu, enableIpv6);
  const mtuBytes = ownMtu || overlayMtu;
  if (name === undefined || mac === undefined || address === undefined) return undefined;
  return { name, vni: vtep.vni, mac, mtuBytes, address, ...(address6 === undefined ? {} : { address6 }) };
}

function readClusterNetwork(reader: FieldReader, at: string, network: Network): ClusterNetwork | undefined {
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
  return { id, name, subnets, standing: standingOf(network) };
}

function standingOf({ phase, spec }: Network): ClusterNetwork['standing'] {
  if (phase === NetworkPhase.DELETING) return 'deleting';
  if (spec?.disabled) return 'disabled';
  return spec?.isolated ? 'isolated' : 'active';
}

function readHostNetworks(
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
  const cniBridge =
    network.cniBridge === undefined
      ? undefined
      : readBridge(reader, `${at}.cni_bridge`, network.cniBridge, known, prefixes);
  return { id, name: known.name, prefixes, ...(cniBridge === undefined ? {} : { cniBridge }) };
}

function readBridge(
  reader: FieldReader,
  at: string,
  bridge: Bridge,
  network: ClusterNetwork,
  prefixes: readonly Cidr[],
): HostNetwork['cniBridge'] {
  const expected = `${CNI_BRIDGE_PREFIX}${network.name}`;
  if (bridge.name !== expected)
    reader.violate(
      `${at}.name`,
      `"${bridge.name}" is not the bridge of network ${network.name}, ${expected}`,
    );
  const inside = (text: string) => parseInside(text, prefixes);
  const halves = [
    ...presentOf(reader.optional(`${at}.ip`, bridge.ip, inside)),
    ...presentOf(reader.optional(`${at}.ip6`, bridge.ip6, inside)),
  ];
  return { name: expected, halves };
}

function checkDistinct(
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

function parseDeviceName(text: string): string {
  if (DEVICE_NAME.test(text)) return text;
  throw new OverlayError('invalid_argument', `"${text}" is no device name of 1 to 15 characters`);
}

function cidrOfFamily(text: string, family: IpFamily): Cidr {
  const cidr = parseCidr(text);
  if (cidrFamily(cidr) === family) return cidr;
  throw new OverlayError('invalid_argument', `"${text}" is no IPv${family} prefix`);
}

function parseInside(text: string, around: readonly Cidr[]): Cidr {
  const cidr = parseCidr(text);
  if (around.some((outer) => containsCidr(outer, cidr))) return cidr;
  const where = around.length === 0 ? 'no prefix of the network' : around.join(' and ');
  throw new OverlayError('invalid_argument', `${cidr} lies outside ${where}`);
}

function parseVtepAddress(text: string, family: IpFamily, subnets: readonly Cidr[]): InterfaceAddress {
  const address = parseInterfaceAddress(text);
  const subnet = subnets.find((candidate) => cidrFamily(candidate) === family);
  if (subnet !== undefined && containsAddress(subnet, interfaceIp(address))) return address;
  throw new OverlayError('invalid_argument', `${address} lies outside the VTEP subnet ${subnet ?? '(none)'}`);
}

function presentOf<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
