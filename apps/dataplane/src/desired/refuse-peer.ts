import {
  type Cidr,
  cidrsOverlap,
  containsAddress,
  containsCidr,
  familyOf,
  interfaceIp,
  isGroupMac,
} from '@overlay/allocation';
import type { HostDescription } from './host-description.js';
import type { PeerDescription } from './peer-description.js';

/**
 * Why a peer contradicts what this host knows of itself and of the address space; undefined if it does not.
 * A refused peer gets nothing in the kernel, for its entries would take traffic away from their owners.
 */
export function refusePeer(host: HostDescription, peer: PeerDescription): string | undefined {
  return refuseEndpoint(host, peer) ?? refusePrefixes(host, peer);
}

function refuseEndpoint(host: HostDescription, peer: PeerDescription): string | undefined {
  const { vtep } = host;
  if (peer.ip === host.ip) return `underlay address ${peer.ip} is this host's own`;
  if (familyOf(peer.ip) !== familyOf(host.ip)) {
    return `underlay address ${peer.ip} is of another family than this host's ${host.ip}`;
  }
  if (peer.vtepMac === vtep.mac) return `VTEP MAC address ${peer.vtepMac} is this host's own`;
  if (isGroupMac(peer.vtepMac)) return `VTEP MAC address ${peer.vtepMac} is a group address`;
  const vteps = [peer.vtepIp, ...(peer.vtepIp6 === undefined ? [] : [peer.vtepIp6])];
  const own = [vtep.address, ...(vtep.address6 === undefined ? [] : [vtep.address6])].map(interfaceIp);
  for (const address of vteps) {
    if (own.includes(address)) return `VTEP address ${address} is this host's own`;
    if (!inside(host.vtepSubnets, address)) {
      return `VTEP address ${address} lies outside ${host.vtepSubnets.join(' and ')}`;
    }
  }
  const overlay = host.clusterNetworks.flatMap((network) => network.subnets);
  const around = [...host.vtepSubnets, ...overlay].find((subnet) => containsAddress(subnet, peer.ip));
  return around === undefined ? undefined : `underlay address ${peer.ip} lies inside the overlay's ${around}`;
}

function refusePrefixes(host: HostDescription, peer: PeerDescription): string | undefined {
  const own = host.networks.flatMap((network) => network.prefixes);
  for (const { networkId, prefix } of peer.prefixes) {
    const taken = own.find((block) => cidrsOverlap(block, prefix));
    if (taken !== undefined) return `prefix ${prefix} overlaps this host's own ${taken}`;
    const network = host.clusterNetworks.find(({ id }) => id === networkId);
    if (network === undefined) continue;
    if (!network.subnets.some((subnet) => containsCidr(subnet, prefix))) {
      return `prefix ${prefix} lies outside network ${network.name} (${network.subnets.join(' and ')})`;
    }
  }
  return undefined;
}

function inside(subnets: readonly Cidr[], address: PeerDescription['ip']): boolean {
  return subnets.some((subnet) => containsAddress(subnet, address));
}
