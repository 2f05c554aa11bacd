import { parseCidr, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import type { BridgeLink, KernelObject, NftTable, VxlanLink } from './kernel-object.js';

/** A VTEP as the dataplane makes it. */
export const VTEP: VxlanLink = {
  kind: 'link',
  type: 'vxlan',
  name: 'vtep1024',
  mac: parseMacAddress('70:b3:d5:80:00:02'),
  mtuBytes: 1420,
  up: true,
  vni: 1024,
  port: 64000,
  local: parseIpAddress('10.0.0.1'),
  learning: false,
  alias: 'overlay:vtep',
};

/** The bridge of a half. */
export const BRIDGE: BridgeLink = {
  kind: 'link',
  type: 'bridge',
  name: 'm-dcos',
  mac: parseMacAddress('02:00:00:00:00:01'),
  mtuBytes: 1420,
  up: true,
  alias: 'overlay:net-1',
};

/** The table that admits datagrams of peers; its set has elements of its own. */
export const ADMISSION: NftTable = {
  kind: 'nftables',
  family: 'inet',
  name: 'overlay_admission',
  content: 'table inet overlay_admission {\nset peers {\ntype ipv4_addr\n}\n}',
};

/** One object of every kind, in the order of creation. */
export const EVERYTHING: readonly KernelObject[] = [
  VTEP,
  BRIDGE,
  { kind: 'sysctl', key: 'net/ipv4/ip_forward', value: '1' },
  { kind: 'address', device: 'vtep1024', address: parseInterfaceAddress('44.128.0.2/20') },
  { kind: 'address', device: 'vtep1024', address: parseInterfaceAddress('fd01:a::2/64') },
  { kind: 'address', device: 'm-dcos', address: parseInterfaceAddress('9.0.1.1/25') },
  fdb('10.0.0.2'),
  {
    kind: 'neighbour',
    device: 'vtep1024',
    address: parseIpAddress('44.128.0.3'),
    mac: parseMacAddress('70:b3:d5:80:00:03'),
  },
  {
    kind: 'neighbour',
    device: 'vtep1024',
    address: parseIpAddress('fd01:a::3'),
    mac: parseMacAddress('70:b3:d5:80:00:03'),
  },
  { kind: 'nexthop', device: 'vtep1024', gateway: parseIpAddress('44.128.0.3'), id: 0x4f800003 },
  { kind: 'nexthop', device: 'vtep1024', gateway: parseIpAddress('fd01:a::3'), id: 0x6f800003 },
  route(254, '9.0.2.0/26', 0x4f800003),
  route(42, '10.0.0.2/32', 0x4f800003),
  route(254, 'fd01:b:0:0:2::/80', 0x6f800003),
  unreachable('9.0.0.0/8'),
  unreachable('fd01:b::/64'),
  { kind: 'rule', source: parseCidr('9.0.0.0/8'), table: 42, priority: 30042 },
  { kind: 'rule', source: parseCidr('fd01:b::/64'), table: 42, priority: 30042 },
  {
    kind: 'nftables',
    family: 'inet',
    name: 'overlay',
    content:
      'table inet overlay {\nset overlay4 {\ntype ipv4_addr\nflags interval\nelements = { 9.0.0.0/8 }\n}\n}',
  },
  ADMISSION,
  { kind: 'admission', address: parseIpAddress('10.0.0.2') },
  { kind: 'admission', address: parseIpAddress('10.0.0.3') },
];

/** The forwarding entry of the one peer, to that underlay address. */
export function fdb(underlay: string): KernelObject {
  const mac = parseMacAddress('70:b3:d5:80:00:03');
  return { kind: 'fdb', device: 'vtep1024', mac, underlay: parseIpAddress(underlay) };
}

/** A route to a nexthop object. */
export function route(table: number, prefix: string, id: number): KernelObject {
  return { kind: 'route', table, prefix: parseCidr(prefix), target: { type: 'nexthop', id } };
}

/** A route that names its gateway itself. */
export function inline(table: number, prefix: string, gateway: string): KernelObject {
  const target = { type: 'gateway', gateway: parseIpAddress(gateway), device: 'vtep1024' } as const;
  return { kind: 'route', table, prefix: parseCidr(prefix), target };
}

/** An overlay's space, unreachable unless something more specific leads there. */
export function unreachable(prefix: string): KernelObject {
  return {
    kind: 'route',
    table: 254,
    prefix: parseCidr(prefix),
    target: { type: 'unreachable', metric: 4278198272 },
  };
}
