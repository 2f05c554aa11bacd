import { createHash } from 'node:crypto';
import {
  addressAt,
  addressInPrefix,
  type Cidr,
  containsCidr,
  type MacAddress,
  parseMacAddress,
} from '@overlay/allocation';
import { MTU_MIN_IPV6_BYTES, VTEP_UDP_PORT } from '@overlay/model';
import type { Address, BridgeLink, KernelObject, Sysctl, VxlanLink } from '../kernel/kernel-object.js';
import {
  ALIAS_PREFIX,
  MAIN_TABLE,
  PEER_TABLE,
  RULE_PRIORITY,
  SHARED_BRIDGE_PREFIX,
  UNREACHABLE_METRIC,
  VTEP_ALIAS,
} from '../kernel/ownership.js';
import { activeNetworks, activeSubnets, type HostDescription, type HostNetwork } from './host-description.js';
import { planAdmission } from './plan-admission.js';
import { planNftTable } from './plan-nft-table.js';

/**
 * The objects that a host needs whoever its peers are: VTEP, CNI bridges, unreachable routes, rules, masquerade
 * and sysctls. Pure; the same description gives the same objects.
 */
export function planHost(host: HostDescription): readonly KernelObject[] {
  return [
    ...planVtep(host),
    ...planBridges(host),
    ...activeSubnets(host).flatMap(planSubnet),
    ...planSysctls(host),
    planNftTable(host),
    planAdmission(host),
  ];
}

function planVtep(host: HostDescription): readonly (VxlanLink | Address)[] {
  const { vtep } = host;
  const link: VxlanLink = {
    kind: 'link',
    type: 'vxlan',
    name: vtep.name,
    mac: vtep.mac,
    mtuBytes: vtep.mtuBytes,
    up: true,
    vni: vtep.vni,
    port: VTEP_UDP_PORT,
    local: host.ip,
    learning: false,
    alias: VTEP_ALIAS,
  };
  const addresses = [vtep.address, ...(host.enableIpv6 && vtep.address6 ? [vtep.address6] : [])];
  return [link, ...addresses.map((address): Address => ({ kind: 'address', device: vtep.name, address }))];
}

function planBridges(host: HostDescription): readonly (BridgeLink | Address)[] {
  if (!host.configureCniBridges) return [];
  const active = new Set(activeNetworks(host).map((network) => network.id));
  return host.networks
    .filter((network) => active.has(network.id))
    .flatMap((network) => planBridge(host, network));
}

function planBridge(host: HostDescription, network: HostNetwork): readonly (BridgeLink | Address)[] {
  const bridge = network.cniBridge;
  const halves = (bridge?.halves ?? []).filter((half) => host.enableIpv6 || !half.includes(':'));
  if (bridge === undefined || halves.length === 0) return [];
  const link: BridgeLink = {
    kind: 'link',
    type: 'bridge',
    name: bridge.name,
    mac: bridgeMac(host.nodeId, network.id),
    mtuBytes: host.overlayMtuBytes,
    up: true,
    alias: `${ALIAS_PREFIX}${network.id}`,
  };
  return [link, ...halves.map((half): Address => planGateway(bridge.name, half))];
}

function planGateway(device: string, half: Cidr): Address {
  return { kind: 'address', device, address: addressInPrefix(addressAt(half, 1n), half) };
}

/** Locally administered, and the same after every restart: a bridge without a set MAC changes it with its ports. */
function bridgeMac(nodeId: string, networkId: string): MacAddress {
  const digest = createHash('sha256').update(`${nodeId}/${networkId}`).digest('hex');
  const octets = digest.match(/../g)?.slice(0, 5) ?? [];
  return parseMacAddress(['02', ...octets].join(':'));
}

function planSubnet(subnet: Cidr): readonly KernelObject[] {
  return [
    {
      kind: 'route',
      table: MAIN_TABLE,
      prefix: subnet,
      target: { type: 'unreachable', metric: UNREACHABLE_METRIC },
    },
    { kind: 'rule', source: subnet, table: PEER_TABLE, priority: RULE_PRIORITY },
  ];
}

function planSysctls(host: HostDescription): readonly Sysctl[] {
  const sysctls: Sysctl[] = [
    { kind: 'sysctl', key: 'net/ipv4/ip_forward', value: '1' },
    // The kernel turns it on with the one above; somebody may turn it off for a device alone.
    ...[...planVtep(host), ...planBridges(host)].flatMap((object): readonly Sysctl[] =>
      object.kind === 'link'
        ? [{ kind: 'sysctl', key: `net/ipv4/conf/${object.name}/forwarding`, value: '1' }]
        : [],
    ),
    // Replies to a peer host's own address come in through the tunnel: strict filtering would drop them.
    { kind: 'sysctl', key: `net/ipv4/conf/${host.vtep.name}/rp_filter`, value: '2' },
  ];
  if (!host.enableIpv6) return sysctls;
  const devices = planIpv6Devices(host);
  return [
    ...sysctls,
    { kind: 'sysctl', key: 'net/ipv6/conf/all/forwarding', value: '1' },
    // Without duplicate address detection the link-local address works at once: until it does, the kernel cannot
    // ask for the neighbours of packets that it forwards, and a container's first seconds are lost.
    ...devices.flatMap((device): readonly Sysctl[] => [
      { kind: 'sysctl', key: `net/ipv6/conf/${device}/accept_dad`, value: '0' },
      { kind: 'sysctl', key: `net/ipv6/conf/${device}/disable_ipv6`, value: '0' },
      { kind: 'sysctl', key: `net/ipv6/conf/${device}/forwarding`, value: '1' },
      // Docker adds addresses of its own to the bridge that both runtimes share.
      ...(device.startsWith(SHARED_BRIDGE_PREFIX)
        ? [{ kind: 'sysctl', key: `net/ipv6/conf/${device}/dad_transmits`, value: '0' } as const]
        : []),
    ]),
  ];
}

/** VTEP and bridges, but for those whose MTU is too small for IPv6: the kernel takes it away from them, with its settings. */
function planIpv6Devices(host: HostDescription): readonly string[] {
  return [...planVtep(host), ...planBridges(host)].flatMap((object) =>
    object.kind === 'link' && object.mtuBytes >= MTU_MIN_IPV6_BYTES ? [object.name] : [],
  );
}

/** The cluster network that the prefix lies in, if any. */
export function networkOfPrefix(host: HostDescription, prefix: Cidr): string | undefined {
  const network = host.clusterNetworks.find(({ subnets }) =>
    subnets.some((subnet) => containsCidr(subnet, prefix)),
  );
  return network?.id;
}
