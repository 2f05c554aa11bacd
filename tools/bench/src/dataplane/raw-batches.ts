import type { Peer } from '@overlay/contracts';
import { VTEP_DEVICE } from '@overlay/model';

/** One step of programming by hand: a tool and the lines of its batch. */
export interface RawStep {
  readonly name: string;
  readonly argv: readonly string[];
  readonly lines: readonly string[];
}

const PEER_TABLE = 42;
const ID_BASE = { 4: 0x4f000000, 6: 0x6f000000 } as const;
const IP_BATCH = ['ip', '-batch'];
const SET = 'inet overlay_admission peers';

/** The devices, addresses and sets that the entries need. */
export function planRawHost(self: Peer, ip: string): readonly RawStep[] {
  const tunnel = `type vxlan id 1024 dstport 64000 local ${ip} nolearning`;
  return [
    {
      name: 'device',
      argv: IP_BATCH,
      lines: [
        `link add name ${VTEP_DEVICE} up address ${self.vtepMac} mtu 1420 ${tunnel}`,
        `addr add ${self.vtepIp}/13 dev ${VTEP_DEVICE}`,
        `addr add ${self.vtepIp6}/64 dev ${VTEP_DEVICE} nodad`,
      ],
    },
    {
      name: 'set',
      argv: ['nft', '-f'],
      lines: ['table inet overlay_admission {', 'set peers {', 'type ipv4_addr', '}', '}'],
    },
  ];
}

/** The same entries that the dataplane keeps for these peers: routes through nexthop objects. */
export function planRawEntries(peers: readonly Peer[]): readonly RawStep[] {
  const ids = peers.map((_, index) => index + 1);
  const nexthop = (id: number, gateway: string) =>
    `nexthop add id ${id} via ${gateway} dev ${VTEP_DEVICE} protocol 142`;
  return [
    ...planNeighbours(peers),
    {
      name: 'nexthops',
      argv: IP_BATCH,
      lines: peers.flatMap((peer, index) => [
        nexthop(ID_BASE[4] + (ids[index] ?? 0), peer.vtepIp),
        nexthop(ID_BASE[6] + (ids[index] ?? 0), peer.vtepIp6),
      ]),
    },
    {
      name: 'routes',
      argv: IP_BATCH,
      lines: peers.flatMap((peer, index) =>
        planRoutes(peer, (family) => `nhid ${ID_BASE[family] + (ids[index] ?? 0)}`),
      ),
    },
    {
      name: 'admission',
      argv: ['nft', '-f'],
      lines: [`add element ${SET} { ${peers.map(({ ip }) => ip).join(', ')} }`],
    },
  ];
}

/** The same entries with inline gateways, as flannel (main table) and DC/OS (main table and 42) program them. */
export function planInlineEntries(peers: readonly Peer[]): readonly RawStep[] {
  const routes = peers.map((peer) =>
    planRoutes(peer, (family) => `via ${family === 4 ? peer.vtepIp : peer.vtepIp6} dev ${VTEP_DEVICE}`),
  );
  const step = (name: string, nth: number): RawStep => ({
    name,
    argv: IP_BATCH,
    lines: routes.map((lines) => lines[nth] ?? ''),
  });
  return [
    ...planNeighbours(peers),
    step('IPv4 routes', 0),
    step('IPv6 routes', 1),
    step('routes of table 42', 2),
  ];
}

function planNeighbours(peers: readonly Peer[]): readonly RawStep[] {
  const neighbour = (address: string, mac: string) =>
    `neigh add ${address} lladdr ${mac} dev ${VTEP_DEVICE} nud permanent`;
  return [
    {
      name: 'forwarding entries',
      argv: ['bridge', '-batch'],
      lines: peers.map(({ vtepMac, ip }) => `fdb add ${vtepMac} dev ${VTEP_DEVICE} dst ${ip} self permanent`),
    },
    {
      name: 'neighbours',
      argv: IP_BATCH,
      lines: peers.flatMap(({ vtepIp, vtepIp6, vtepMac }) => [
        neighbour(vtepIp, vtepMac),
        neighbour(vtepIp6, vtepMac),
      ]),
    },
  ];
}

/** A route for each prefix, and the one to the peer's own address. */
function planRoutes(peer: Peer, target: (family: 4 | 6) => string): readonly string[] {
  const ours = peer.prefixes.map(
    ({ prefix }) => `route add ${prefix} ${target(prefix.includes(':') ? 6 : 4)} protocol 142`,
  );
  return [...ours, `route add ${peer.ip}/32 table ${PEER_TABLE} ${target(4)} protocol 142`];
}
