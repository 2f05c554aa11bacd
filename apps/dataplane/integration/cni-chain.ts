import type { CniChain, Host } from '@overlay/testbed';
import { OVERLAY_MTU } from './cluster-topology.js';

/**
 * The real bridge plugin with the standard host-local IPAM on the CNI half of host number `n`: bridge and gateway are
 * the dataplane's.
 */
export function cniChain(host: Host, n: number, family: 4 | 6): CniChain {
  const network = family === 4 ? 'dcos' : 'dcos6';
  const [subnet, gateway, any] =
    family === 4
      ? [`9.0.${n}.0/25`, `9.0.${n}.1`, '0.0.0.0/0']
      : [`fd01:b:0:0:${n}::/81`, `fd01:b:0:0:${n}::1`, '::/0'];
  const ipam = {
    type: 'host-local',
    dataDir: `${host.paths.folder}/host-local`,
    ranges: [[{ subnet, gateway }]],
    routes: [{ dst: any }],
  };
  const plugin = { type: 'bridge', bridge: `m-${network}`, mtu: OVERLAY_MTU, ipam };
  return { name: network, cniVersion: '0.4.0', plugins: [plugin] };
}
