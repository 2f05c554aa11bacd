import type { AgentState, Host } from '@overlay/testbed';
import { withoutLength } from './cluster-state.js';

const LISTS = [
  ['ip', 'neigh', 'show', 'nud', 'permanent'],
  ['ip', '-6', 'neigh', 'show', 'nud', 'permanent'],
  ['bridge', 'fdb', 'show', 'dev', 'vtep1024'],
  ['ip', 'nexthop', 'show'],
  ['ip', '-4', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
] as const;

/**
 * What a host's kernel holds towards a peer: its neighbours, forwarding entries, nexthops and routes, as the tools print
 * them.
 */
export async function entriesTowards(host: Host, peer: AgentState): Promise<readonly string[]> {
  const overlays = peer.overlays ?? [];
  const vxlan = overlays[0]?.backend?.vxlan;
  const marks = [
    withoutLength(vxlan?.vtep_ip),
    withoutLength(vxlan?.vtep_ip6),
    vxlan?.vtep_mac ?? '',
    peer.ip,
  ];
  const blocks = overlays.flatMap(({ subnet, subnet6 }) => [subnet ?? '', subnet6 ?? '']);
  const wanted = [...marks, ...blocks].filter((mark) => mark !== '');
  const texts = await Promise.all(LISTS.map((argv) => host.execOrFail(argv)));
  return texts
    .flatMap((text) => text.split('\n'))
    .filter(
      (line) =>
        / (vtep1024|nhid) /.test(`${line} `) && line.split(/[ ,]/).some((word) => wanted.includes(word)),
    );
}
