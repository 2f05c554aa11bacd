import { addressToInteger, type Cidr, type IpAddress, parseCidr } from '@overlay/allocation';
import type { KernelObject, Route } from '../kernel/kernel-object.js';
import { MAIN_TABLE, NEXTHOP_ID_BASE, PEER_TABLE } from '../kernel/ownership.js';
import { activeNetworks, type HostDescription } from './host-description.js';
import type { PeerDescription } from './peer-description.js';

/** Gives the id of the nexthop object towards a gateway; `preferred` is taken if it is free. */
export type NexthopIdOf = (gateway: IpAddress, preferred: number) => number;

/** The part of planning that is the same for all peers of a host. */
export interface PeerPlanner {
  /** The objects that lead to the peer. Prefixes of networks that are not active get no route. */
  plan(peer: PeerDescription): readonly KernelObject[];
}

/**
 * Planner for the peers of `host`: per family a neighbour entry and a nexthop object, one forwarding entry,
 * the admission to the tunnel, a route per prefix, and the peer's underlay address in table 42. Pure but for the ids that
 * `nexthopId` hands out.
 * @param nexthopId absent on a kernel without nexthop objects: each route names the gateway itself then
 */
export function peerPlanner(host: HostDescription, nexthopId: NexthopIdOf | undefined): PeerPlanner {
  const device = host.vtep.name;
  const active = new Set<string>(activeNetworks(host).map((network) => network.id));
  const ipv6 = host.enableIpv6 && host.vtep.address6 !== undefined;

  const route = (table: number, prefix: Cidr, target: Route['target']): KernelObject => ({
    kind: 'route',
    table,
    prefix,
    target,
  });

  return {
    plan(peer) {
      const low24 = Number(addressToInteger(peer.vtepIp) & 0xffffffn);
      const objects: KernelObject[] = [
        { kind: 'fdb', device, mac: peer.vtepMac, underlay: peer.ip },
        { kind: 'admission', address: peer.ip },
      ];
      const families = [
        { family: 4 as const, gateway: peer.vtepIp },
        ...(ipv6 && peer.vtepIp6 !== undefined ? [{ family: 6 as const, gateway: peer.vtepIp6 }] : []),
      ];
      for (const { family, gateway } of families) {
        const id = nexthopId?.(gateway, NEXTHOP_ID_BASE[family] + low24);
        const target: Route['target'] =
          id === undefined ? { type: 'gateway', gateway, device } : { type: 'nexthop', id };
        const own = (text: string) => text.includes(':') === (family === 6);
        objects.push({ kind: 'neighbour', device, address: gateway, mac: peer.vtepMac });
        if (id !== undefined) objects.push({ kind: 'nexthop', device, gateway, id });
        for (const { networkId, prefix } of peer.prefixes) {
          if (own(prefix) && active.has(networkId)) objects.push(route(MAIN_TABLE, prefix, target));
        }
        if (own(peer.ip)) objects.push(route(PEER_TABLE, hostPrefix(peer.ip), target));
      }
      return objects;
    },
  };
}

/** The prefix of the full length that holds the address alone. */
function hostPrefix(address: IpAddress): Cidr {
  return parseCidr(`${address}/${address.includes(':') ? 128 : 32}`);
}
