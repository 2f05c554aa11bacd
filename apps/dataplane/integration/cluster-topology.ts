import {
  type AgentNetwork,
  type ApplyHostRequest,
  type Network,
  NetworkOrigin,
  NetworkPhase,
  type Peer,
  type TopologyChange,
  type TopologyFrame,
  TopologyFrameKind,
} from '@overlay/contracts';

/** Overlay MTU of the hosts in these tests. */
export const OVERLAY_MTU = 1420;

const MAC = (n: number) => `70:b3:d5:80:00:${(n + 1).toString(16).padStart(2, '0')}`;

/** Networks `dcos` and `dcos6` as the default configuration has them. */
export function clusterNetworks(): Network[] {
  const spec = { subnet: '', prefix: 0, subnet6: '', prefix6: 0, disabled: false, isolated: false };
  return [
    {
      id: 'net-dcos',
      spec: { ...spec, name: 'dcos', subnet: '9.0.0.0/8', prefix: 24 },
      origin: NetworkOrigin.CONFIGURATION,
      phase: NetworkPhase.ACTIVE,
    },
    {
      id: 'net-dcos6',
      spec: { ...spec, name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80 },
      origin: NetworkOrigin.CONFIGURATION,
      phase: NetworkPhase.ACTIVE,
    },
  ];
}

/** What host number `n` (from 1) has: block 9.0.n.0/24, fd01:b:0:0:n::/80, VTEP 44.128.0.(n+1). */
export function hostRequest(n: number, ip: string): ApplyHostRequest {
  const [dcos, dcos6] = clusterNetworks();
  const base = { subnet: '', subnet6: '', state: undefined };
  const networks: AgentNetwork[] = [
    {
      ...base,
      networkId: 'net-dcos',
      network: dcos?.spec,
      subnet: `9.0.${n}.0/24`,
      routedPrefixes: [`9.0.${n}.0/24`],
      cniBridge: { name: 'm-dcos', ip: `9.0.${n}.0/25`, ip6: '' },
      dockerBridge: { name: 'd-dcos', ip: `9.0.${n}.128/25`, ip6: '' },
    },
    {
      ...base,
      networkId: 'net-dcos6',
      network: dcos6?.spec,
      subnet6: `fd01:b:0:0:${n}::/80`,
      routedPrefixes: [`fd01:b:0:0:${n}::/80`],
      cniBridge: { name: 'm-dcos6', ip: '', ip6: `fd01:b:0:0:${n}::/81` },
      dockerBridge: { name: 'd-dcos6', ip: '', ip6: `fd01:b:0:0:${n}:8000::/81` },
    },
  ];
  return {
    assignment: {
      nodeId: `node-${n}`,
      ip,
      vtep: {
        vni: 1024,
        name: 'vtep1024',
        ip: `44.128.0.${n + 1}/20`,
        ip6: `fd01:a::${n + 1}/64`,
        mac: MAC(n),
        mtu: 0,
      },
      networks,
    },
    addressSpace: {
      vtepSubnet: '44.128.0.0/20',
      vtepSubnet6: 'fd01:a::/64',
      vtepMacOui: '70:B3:D5:00:00:00',
      vtepMtu: 0,
    },
    networks: clusterNetworks(),
    overlayMtu: OVERLAY_MTU,
    configureCniBridges: true,
    enableIpv6: true,
    commandTimeoutMs: 15_000,
    configureDockerBridges: true,
  };
}

/** Host number `n` as the others know it. */
export function peer(n: number, ip: string): Peer {
  return {
    nodeId: `node-${n}`,
    ip,
    vtepIp: `44.128.0.${n + 1}`,
    vtepIp6: `fd01:a::${n + 1}`,
    vtepMac: MAC(n),
    prefixes: [
      { networkId: 'net-dcos', prefix: `9.0.${n}.0/24` },
      { networkId: 'net-dcos6', prefix: `fd01:b:0:0:${n}::/80` },
    ],
  };
}

/** The host itself, which is number 1 and has this underlay address, and two others. */
export function threePeers(underlay: string): readonly Peer[] {
  return [peer(1, underlay), ...[2, 3].map((n) => peer(n, `198.51.100.${n}`))];
}

/** A finished snapshot of the topology. */
export function snapshot(peers: readonly Peer[], revision = 1n): TopologyFrame[] {
  const changes = peers.map((value): TopologyChange => ({ change: { $case: 'peer', value } }));
  return [
    { kind: TopologyFrameKind.SNAPSHOT, revision, changes },
    { kind: TopologyFrameKind.SYNCED, revision, changes: [] },
  ];
}

/** A delta that changes or removes peers. */
export function delta(
  revision: bigint,
  changed: readonly Peer[],
  removed: readonly string[] = [],
): TopologyFrame {
  return {
    kind: TopologyFrameKind.DELTA,
    revision,
    changes: [
      ...changed.map((value): TopologyChange => ({ change: { $case: 'peer', value } })),
      ...removed.map((value): TopologyChange => ({ change: { $case: 'removedNodeId', value } })),
    ],
  };
}
