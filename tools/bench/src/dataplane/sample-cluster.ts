import {
  addressAt,
  addressToInteger,
  type Cidr,
  cidrFrom,
  networkAddress,
  parseCidr,
  parseMacAddress,
} from '@overlay/allocation';
import {
  type ApplyHostRequest,
  type Network,
  NetworkOrigin,
  NetworkPhase,
  type Peer,
  type TopologyFrame,
  TopologyFrameKind,
} from '@overlay/contracts';
import { VTEP_DEVICE, VTEP_VNI, vtepMac } from '@overlay/model';

/** Room for 262,144 hosts: what the whole of 9.0.0.0/8 holds in /26. */
const BLOCKS = parseCidr('9.0.0.0/8');
const BLOCKS6 = parseCidr('fd01:b::/64');
const VTEPS = parseCidr('44.128.0.0/13');
const VTEPS6 = parseCidr('fd01:a::/64');
const UNDERLAY = parseCidr('100.64.0.0/10');
const OUI = parseMacAddress('70:b3:d5:00:00:00');
const BLOCK_LENGTH = { 4: 26, 6: 82 } as const;

const NETWORK_ID = 'bench-dcos';
const PEERS_IN_FRAME = 2_000;
const COMMAND_TIMEOUT_MS = 120_000;

/** The network of the sample cluster. */
const NETWORK: Network = {
  id: NETWORK_ID,
  spec: {
    name: 'dcos',
    subnet: BLOCKS,
    prefix: BLOCK_LENGTH[4],
    subnet6: BLOCKS6,
    prefix6: BLOCK_LENGTH[6],
    disabled: false,
    isolated: false,
  },
  origin: NetworkOrigin.CONFIGURATION,
  phase: NetworkPhase.ACTIVE,
};

/** Block number `index` of a subnet. */
function blockAt(subnet: Cidr, family: 4 | 6, index: number): Cidr {
  const length = BLOCK_LENGTH[family];
  const step = 1n << BigInt((family === 4 ? 32 : 128) - length);
  return cidrFrom(family, addressToInteger(networkAddress(subnet)) + BigInt(index) * step, length);
}

/** Host number `index` as the others know it; number 0 is the host that is measured. */
export function samplePeer(index: number): Peer {
  const offset = BigInt(index + 1);
  const vtepIp = addressAt(VTEPS, offset);
  return {
    nodeId: `node-${index}`,
    ip: addressAt(UNDERLAY, offset),
    vtepIp,
    vtepIp6: addressAt(VTEPS6, offset),
    vtepMac: vtepMac(OUI, vtepIp),
    prefixes: [
      { networkId: NETWORK_ID, prefix: blockAt(BLOCKS, 4, index) },
      { networkId: NETWORK_ID, prefix: blockAt(BLOCKS6, 6, index) },
    ],
  };
}

/** Peers number 1 to `count`. */
export function samplePeers(count: number): readonly Peer[] {
  return Array.from({ length: count }, (_, index) => samplePeer(index + 1));
}

/** A description of host number 0, which has the underlay address `ip`. */
export function sampleHost(ip: string): ApplyHostRequest {
  const self = samplePeer(0);
  const [block = '', block6 = ''] = self.prefixes.map(({ prefix }) => prefix);
  return {
    assignment: {
      nodeId: self.nodeId,
      ip,
      vtep: {
        vni: VTEP_VNI,
        name: VTEP_DEVICE,
        ip: `${self.vtepIp}/13`,
        ip6: `${self.vtepIp6}/64`,
        mac: self.vtepMac,
        mtu: 0,
      },
      networks: [
        {
          networkId: NETWORK_ID,
          network: NETWORK.spec,
          subnet: block,
          subnet6: block6,
          routedPrefixes: [block, block6],
          cniBridge: { name: 'm-dcos', ip: '9.0.0.0/27', ip6: 'fd01:b::/83' },
          dockerBridge: undefined,
          state: undefined,
        },
      ],
    },
    addressSpace: { vtepSubnet: VTEPS, vtepSubnet6: VTEPS6, vtepMacOui: OUI, vtepMtu: 0 },
    networks: [NETWORK],
    overlayMtu: 1420,
    configureCniBridges: true,
    configureDockerBridges: false,
    enableIpv6: true,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
  };
}

/** A finished snapshot that names these peers, in frames well below 1 MiB. */
export function sampleSnapshot(peers: readonly Peer[], revision: bigint): readonly TopologyFrame[] {
  const frames: TopologyFrame[] = [];
  for (let first = 0; first < peers.length; first += PEERS_IN_FRAME)
    frames.push(frameOf(TopologyFrameKind.SNAPSHOT, revision, peers.slice(first, first + PEERS_IN_FRAME)));
  return [...frames, frameOf(TopologyFrameKind.SYNCED, revision, [])];
}

/** A delta that changes these peers. */
export function sampleDelta(peers: readonly Peer[], revision: bigint): TopologyFrame {
  return frameOf(TopologyFrameKind.DELTA, revision, peers);
}

function frameOf(kind: TopologyFrameKind, revision: bigint, peers: readonly Peer[]): TopologyFrame {
  return { kind, revision, changes: peers.map((value) => ({ change: { $case: 'peer', value } })) };
}
