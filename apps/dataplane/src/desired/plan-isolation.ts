import { type Cidr, cidrFamily, type IpFamily } from '@overlay/allocation';
import { CNI_BRIDGE_PREFIX, DOCKER_BRIDGE_PREFIX, SHARED_BRIDGE_PREFIX } from '../kernel/ownership.js';
import type { ClusterNetwork, HostDescription } from './host-description.js';

const FAMILIES: readonly IpFamily[] = [4, 6];
const WORD = { 4: 'ip', 6: 'ip6' } as const;

/**
 * A host has neighbours on an isolated bridge like on any other. Such packets are never routed: whoever takes one has it
 * with the hop limit that it was sent with, 255 (RFC 4861, 3.1); routed it would carry anything across the border.
 */
const NEIGHBOUR_DISCOVERY = 'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept';

/** Rules by the hook that they belong to. */
export interface FilterRules {
  readonly forward: readonly string[];
  readonly input: readonly string[];
  readonly output: readonly string[];
}

/**
 * The rules that keep isolated networks apart: `forward` between a network's containers and everybody else, `input`
 * between them and their own host, which may open connections to them and gets the replies, `output` between the host and
 * containers on others: with a gateway address it has one of the network's, which nobody there can tell from a container's.
 * Forward and input look at the device a
 * packet came through and at its addresses: neither alone would stop a container that lies about its source. Empty
 * without isolated networks.
 *
 * A verdict to drop stands whatever other tables say, so nothing that Docker accepts can override it.
 */
export function planIsolation(host: HostDescription): FilterRules {
  // One being deleted may have containers on Docker's bridge: it stays closed until RemoveNetwork.
  const isolated = host.clusterNetworks
    .filter((network) => network.isolated)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (isolated.length === 0) return { forward: [], input: [], output: [] };
  return {
    forward: [NEIGHBOUR_DISCOVERY, ...isolated.flatMap((network) => forwardRules(host, network))],
    input: [NEIGHBOUR_DISCOVERY, ...isolated.flatMap((network) => inputRules(host, network))],
    output: outputRules(host, isolated),
  };
}

function forwardRules(host: HostDescription, network: ClusterNetwork): readonly string[] {
  const bridges = names(bridgesOf(host, network));
  const ways = names([...bridgesOf(host, network), host.vtep.name]);
  return [
    ...sourceRules(host, network),
    `oifname ${bridges} iifname != ${ways} counter drop`,
    ...network.subnets.flatMap((subnet) => {
      const ip = WORD[cidrFamily(subnet)];
      return [
        `${ip} saddr ${subnet} iifname != ${ways} counter drop`,
        `${ip} saddr ${subnet} ${ip} daddr != ${subnet} counter drop`,
        `${ip} saddr != ${subnet} ${ip} daddr ${subnet} counter drop`,
      ];
    }),
    ...FAMILIES.filter((family) => ofFamily(network.subnets, family).length === 0).map(
      (family) => `oifname ${bridges} meta nfproto ipv${family} counter drop`,
    ),
  ];
}

function inputRules(host: HostDescription, network: ClusterNetwork): readonly string[] {
  const bridges = names(bridgesOf(host, network));
  return [
    ...sourceRules(host, network),
    // Not of what a container had opened to the host before the network was isolated.
    `iifname ${bridges} ct direction reply ct state established,related accept`,
    `iifname ${bridges} counter drop`,
    ...network.subnets.map(
      (subnet) => `iifname != "lo" ${WORD[cidrFamily(subnet)]} saddr ${subnet} counter drop`,
    ),
  ];
}

/** What does not go into the tunnel is passed by the first rule. */
function outputRules({ vtep }: HostDescription, isolated: readonly ClusterNetwork[]): readonly string[] {
  const subnets = isolated.flatMap((network) => network.subnets);
  return [
    `oifname != "${vtep.name}" accept`,
    ...subnets.map((subnet) => `${WORD[cidrFamily(subnet)]} daddr ${subnet} counter drop`),
  ];
}

/** A bridge takes sources of its half only; without a half in a family, none of that family. */
function sourceRules(host: HostDescription, network: ClusterNetwork): readonly string[] {
  const own = host.networks.find(({ id }) => id === network.id);
  const halvesOf = (bridge: string) =>
    [own?.cniBridge, own?.dockerBridge].find((candidate) => candidate?.name === bridge)?.halves ?? [];
  return bridgesOf(host, network).flatMap((bridge) =>
    FAMILIES.map((family) => {
      const [half] = ofFamily(halvesOf(bridge), family);
      const match = half === undefined ? `meta nfproto ipv${family}` : `${WORD[family]} saddr != ${half}`;
      return `iifname "${bridge}" ${match} counter drop`;
    }),
  );
}

/** The bridges that the network can have here; where the block is shared, only that of both runtimes. */
function bridgesOf(host: HostDescription, { id, name }: ClusterNetwork): readonly string[] {
  const own = host.networks.find((network) => network.id === id)?.cniBridge?.name;
  if (own === `${SHARED_BRIDGE_PREFIX}${name}`) return [own];
  return [`${CNI_BRIDGE_PREFIX}${name}`, `${DOCKER_BRIDGE_PREFIX}${name}`];
}

function ofFamily(subnets: readonly Cidr[], family: IpFamily): readonly Cidr[] {
  return subnets.filter((subnet) => cidrFamily(subnet) === family);
}

/** As nft lists them: a single device without braces. */
function names(devices: readonly string[]): string {
  const quoted = devices.map((device) => `"${device}"`).join(', ');
  return devices.length === 1 ? quoted : `{ ${quoted} }`;
}
