import { parseCidr, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName, parseNodeId } from '@overlay/model';
import type { ClusterNetwork, HostDescription } from '../../desired/host-description.js';
import type { PeerDescription } from '../../desired/peer-description.js';
import type { PeerBatch } from '../peer-wants.js';

/** The one network of {@link HOST}. */
export const DCOS: ClusterNetwork = {
  id: parseNetworkId('net-dcos'),
  name: parseNetworkName('dcos'),
  subnets: [parseCidr('9.0.0.0/8'), parseCidr('fd01:b::/64')],
  standing: 'active',
  isolated: false,
};

/** A host with both families and a CNI half. */
export const HOST: HostDescription = {
  nodeId: parseNodeId('node-0'),
  ip: parseIpAddress('10.0.0.1'),
  vtep: {
    name: 'vtep1024',
    vni: 1024,
    address: parseInterfaceAddress('44.128.0.1/20'),
    address6: parseInterfaceAddress('fd01:a::1/64'),
    mac: parseMacAddress('70:b3:d5:80:00:01'),
    mtuBytes: 1420,
  },
  vtepSubnets: [parseCidr('44.128.0.0/20'), parseCidr('fd01:a::/64')],
  networks: [
    {
      id: DCOS.id,
      name: DCOS.name,
      prefixes: [parseCidr('9.0.0.0/26'), parseCidr('fd01:b::/80')],
      cniBridge: { name: 'm-dcos', halves: [parseCidr('9.0.0.0/27'), parseCidr('fd01:b::/81')] },
    },
  ],
  clusterNetworks: [DCOS],
  overlayMtuBytes: 1420,
  configureCniBridges: true,
  configureDockerBridges: true,
  enableIpv6: true,
  commandTimeoutMs: 1000,
};

/** Peer number `n`; `block` and `underlay` may be those of another number. */
export function peer(n: number, block = n, underlay = n): PeerDescription {
  return {
    nodeId: parseNodeId(`node-${n}`),
    ip: parseIpAddress(`10.0.0.${underlay + 1}`),
    vtepIp: parseIpAddress(`44.128.0.${n + 1}`),
    vtepIp6: parseIpAddress(`fd01:a::${n + 1}`),
    vtepMac: parseMacAddress(`70:b3:d5:80:00:${(n + 1).toString(16).padStart(2, '0')}`),
    prefixes: [
      { networkId: DCOS.id, prefix: parseCidr(`9.0.${block}.0/26`) },
      { networkId: DCOS.id, prefix: parseCidr(`fd01:b:0:0:${block}::/80`) },
    ],
  };
}

/** A batch with these peers. */
export function batch(...peers: readonly PeerDescription[]): PeerBatch {
  return new Map(peers.map((each) => [each.nodeId, each]));
}

/** A batch in which these peers are gone. */
export function gone(...numbers: readonly number[]): PeerBatch {
  return new Map(numbers.map((n) => [parseNodeId(`node-${n}`), undefined]));
}

/** {@link HOST} with its network isolated. */
export function isolated(): HostDescription {
  return { ...HOST, clusterNetworks: [{ ...DCOS, isolated: true }] };
}

/** Sysctls stay when what wanted them goes. */
export function withoutSysctls(dump: string): string {
  return dump.replaceAll(/^sysctl .*\n?/gm, '').trimEnd();
}
