import {
  type Cidr,
  cidrFamily,
  containsAddress,
  type InterfaceAddress,
  type IpFamily,
  interfaceIp,
  isGroupMac,
  parseInterfaceAddress,
  parseIpAddress,
  parseMacAddress,
} from '@overlay/allocation';
import type { AddressSpace, ApplyHostRequest, Vtep } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { MTU_MAX_BYTES, MTU_MIN_BYTES, MTU_MIN_IPV6_BYTES, parseNodeId } from '@overlay/model';
import type { HostDescription, VtepDescription } from '../desired/host-description.js';
import { checkOverlaps } from './check-overlaps.js';
import { FieldReader } from './field-reader.js';
import { cidrOfFamily, presentOf } from './prefix-parsers.js';
import { checkDistinct, readClusterNetwork, readHostNetworks } from './read-networks.js';

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
  checkOverlaps(reader, { vtepSubnets, clusterNetworks, networks });
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
  // As the master judges it: a VTEP without an IPv6 address carries IPv4 only.
  if (ownMtu > 0) checkMtu(reader, `${at}.mtu`, ownMtu, enableIpv6 && vtep.ip6 !== '');
  const mtuBytes = ownMtu || overlayMtu;
  if (name === undefined || mac === undefined || address === undefined) return undefined;
  return { name, vni: vtep.vni, mac, mtuBytes, address, ...(address6 === undefined ? {} : { address6 }) };
}

function parseDeviceName(text: string): string {
  if (DEVICE_NAME.test(text)) return text;
  throw new OverlayError('invalid_argument', `"${text}" is no device name of 1 to 15 characters`);
}

function parseVtepAddress(text: string, family: IpFamily, subnets: readonly Cidr[]): InterfaceAddress {
  const address = parseInterfaceAddress(text);
  const subnet = subnets.find((candidate) => cidrFamily(candidate) === family);
  if (subnet !== undefined && containsAddress(subnet, interfaceIp(address))) return address;
  throw new OverlayError('invalid_argument', `${address} lies outside the VTEP subnet ${subnet ?? '(none)'}`);
}
