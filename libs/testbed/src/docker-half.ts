import { addressAt, type Cidr, networkAddress, parseCidr, prefixLength } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { CniAddress } from './cni-chain.js';

/** The second half of a block: what Docker would be given. At least one family. */
export interface DockerHalf {
  readonly subnet?: string;
  readonly subnet6?: string;
}

/** Bridge and container ends of one attachment to a Docker half. */
export interface DockerAttachment {
  readonly network: string;
  readonly half: DockerHalf;
  /** 1 for the first container of the bridge. */
  readonly ordinal: number;
  readonly mtuBytes: number;
  /** Full name of the container's namespace. */
  readonly containerNamespace: string;
}

/** The bridge of a network's Docker half. */
export function dockerBridgeName(network: string): string {
  return `d-${network}`;
}

/**
 * iproute2 commands, in the host's namespace, that make the bridge as Docker does: gateway = first address, and a
 * link-local address without duplicate address detection. While that is under way, the kernel cannot look for a
 * neighbour on behalf of a forwarded packet, and the first container would be out of reach for two seconds.
 */
export function planDockerBridge(network: string, half: DockerHalf, mtuBytes: number): readonly string[] {
  const bridge = dockerBridgeName(network);
  const gateways = families(half).map((cidr) => `${addressAt(cidr, 1n)}/${prefixLength(cidr)}`);
  return [
    `link add ${bridge} mtu ${mtuBytes} address ${bridgeMac(half)} type bridge`,
    ...gateways.map((address) => `addr add ${address} dev ${bridge}${address.includes(':') ? ' nodad' : ''}`),
    `link set ${bridge} addrgenmode none`,
    `addr add fe80::1/64 dev ${bridge} nodad`,
    `link set ${bridge} up`,
  ];
}

/** Where one container gets: the host's commands, the container's, and its addresses. */
export function planDockerAttachment(attachment: DockerAttachment): {
  readonly host: readonly string[];
  readonly container: readonly string[];
  readonly addresses: readonly CniAddress[];
} {
  const { network, half, ordinal, mtuBytes, containerNamespace } = attachment;
  const cidrs = families(half);
  const veth = `dk-${ordinal}-${network}`.slice(0, 15);
  const addresses = cidrs.map((cidr) => ({
    address: `${addressAt(cidr, 1n + BigInt(ordinal))}/${prefixLength(cidr)}`,
    gateway: addressAt(cidr, 1n),
  }));
  return {
    host: [
      `link add ${veth} mtu ${mtuBytes} type veth peer name eth0 mtu ${mtuBytes} netns ${containerNamespace}`,
      `link set ${veth} master ${dockerBridgeName(network)} up`,
    ],
    container: [
      'link set eth0 up',
      ...addresses.map(
        ({ address }) => `addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`,
      ),
      ...addresses.map(({ gateway }) => `route add default via ${gateway} dev eth0`),
    ],
    addresses,
  };
}

function families(half: DockerHalf): readonly Cidr[] {
  const cidrs = [half.subnet, half.subnet6].flatMap((text) => (text === undefined ? [] : [parseCidr(text)]));
  if (cidrs.length === 0) throw new OverlayError('invalid_argument', 'a Docker half needs subnet or subnet6');
  return cidrs;
}

/** A locally administered address that stays the same whoever comes and goes on the bridge. */
function bridgeMac(half: DockerHalf): string {
  const [cidr] = families(half);
  const text = cidr === undefined ? '' : networkAddress(cidr);
  let hash = 0;
  for (const character of text) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  const octets = [24, 16, 8, 0].map((shift) => ((hash >>> shift) & 0xff).toString(16).padStart(2, '0'));
  return ['02', '42', ...octets].join(':');
}
