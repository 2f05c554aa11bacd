import {
  addressOrder,
  type Cidr,
  cidrFamily,
  cidrOrder,
  familyOf,
  type IpAddress,
  type IpFamily,
  interfaceIp,
  isGroupMac,
} from '@overlay/allocation';
import { FORBIDDEN_RANGES } from '@overlay/model';
import type { HostDescription } from './host-description.js';
import type { PeerDescription } from './peer-description.js';

/**
 * Why a peer contradicts what a host knows of itself and of the address space; undefined if it does not.
 * A refused peer gets nothing in the kernel, for its entries would take traffic away from their owners.
 */
export type PeerRefusal = (peer: PeerDescription) => string | undefined;

/** A range of addresses. */
interface Range {
  readonly cidr: Cidr;
  readonly family: IpFamily;
  /** In the order of `cidrOrder`. */
  readonly first: string;
  readonly last: string;
}

const NO_MAC = '00:00:00:00:00:00';
const FORBIDDEN = FORBIDDEN_RANGES.map(({ range, purpose }) => ({ ...rangeOf(range), purpose }));

/** The refusal of a host. What it knows is read once, for it may meet a quarter of a million peers. */
export function peerRefusal(host: HostDescription): PeerRefusal {
  const { vtep } = host;
  const family = familyOf(host.ip);
  const ownVteps = new Set<IpAddress>(
    [vtep.address, ...(vtep.address6 === undefined ? [] : [vtep.address6])].map(interfaceIp),
  );
  const vtepSubnets = host.vtepSubnets.map(rangeOf);
  const overlay = [...vtepSubnets, ...host.clusterNetworks.flatMap(({ subnets }) => subnets.map(rangeOf))];
  const ownBlocks = host.networks.flatMap(({ prefixes }) => prefixes.map(rangeOf));
  const networks = new Map(
    host.clusterNetworks.map(({ id, name, subnets }) => [id, { name, ranges: subnets.map(rangeOf) }]),
  );

  const refuseVtep = (address: IpAddress): string | undefined => {
    if (ownVteps.has(address)) return `VTEP address ${address} is this host's own`;
    return around(vtepSubnets, address) === undefined
      ? `VTEP address ${address} lies outside ${host.vtepSubnets.join(' and ')}`
      : undefined;
  };

  const refuseEndpoint = ({ ip, vtepIp, vtepIp6, vtepMac }: PeerDescription): string | undefined => {
    if (ip === host.ip) return `underlay address ${ip} is this host's own`;
    if (familyOf(ip) !== family)
      return `underlay address ${ip} is of another family than this host's ${host.ip}`;
    const forbidden = around(FORBIDDEN, ip);
    if (forbidden !== undefined)
      return `underlay address ${ip} lies in ${forbidden.cidr}, ${forbidden.purpose}: no host has it`;
    if (vtepMac === vtep.mac) return `VTEP MAC address ${vtepMac} is this host's own`;
    if (isGroupMac(vtepMac)) return `VTEP MAC address ${vtepMac} is a group address`;
    if (vtepMac === NO_MAC) return `VTEP MAC address ${vtepMac} is no device's`;
    const refusal = refuseVtep(vtepIp) ?? (vtepIp6 === undefined ? undefined : refuseVtep(vtepIp6));
    if (refusal !== undefined) return refusal;
    const subnet = around(overlay, ip);
    return subnet && `underlay address ${ip} lies inside the overlay's ${subnet.cidr}`;
  };

  const refusePrefix = ({ networkId, prefix }: PeerDescription['prefixes'][number]): string | undefined => {
    const range = rangeOf(prefix);
    const taken = ownBlocks.find((block) => overlap(block, range));
    if (taken !== undefined) return `prefix ${prefix} overlaps this host's own ${taken.cidr}`;
    const network = networks.get(networkId);
    if (network === undefined || network.ranges.some((subnet) => contains(subnet, range))) return undefined;
    const subnets = network.ranges.map(({ cidr }) => cidr).join(' and ');
    return `prefix ${prefix} lies outside network ${network.name} (${subnets})`;
  };

  return (peer) => {
    const refusal = refuseEndpoint(peer);
    if (refusal !== undefined) return refusal;
    for (const claim of peer.prefixes) {
      const reason = refusePrefix(claim);
      if (reason !== undefined) return reason;
    }
    return undefined;
  };
}

function rangeOf(cidr: Cidr): Range {
  return { cidr, family: cidrFamily(cidr), ...cidrOrder(cidr) };
}

/** The first of the ranges that holds the address. */
function around<R extends Range>(ranges: readonly R[], address: IpAddress): R | undefined {
  const family = familyOf(address);
  const place = addressOrder(address);
  return ranges.find((range) => range.family === family && range.first <= place && place <= range.last);
}

function overlap(a: Range, b: Range): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

function contains(outer: Range, inner: Range): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}
