import {
  ADDRESS_BITS,
  addressAt,
  type Cidr,
  cidrFamily,
  halvesOf,
  type IpAddress,
  prefixLength,
} from '@overlay/allocation';
import type { NetworkName } from './records.js';

/** Which runtime a bridge serves: CNI (Mesos, Podman, Nomad, containerd) or Docker. */
export type BridgeKind = 'cni' | 'docker';

const UINT64_MAX = 2n ** 64n - 1n;

/** The half of an agent's block that CNI containers live in: the first. */
export function cniHalf(block: Cidr): Cidr {
  return halvesOf(block)[0];
}

/** The half of an agent's block that Docker containers live in: the second, whichever bridges are on. */
export function dockerHalf(block: Cidr): Cidr {
  return halvesOf(block)[1];
}

/** Name of the bridge device: `m-<name>` for CNI, `d-<name>` for Docker; at most 15 characters. */
export function bridgeName(kind: BridgeKind, name: NetworkName): string {
  return kind === 'cni' ? `m-${name}` : `d-${name}`;
}

/** The bridge's own address, the containers' gateway: the half's second address. */
export function gatewayOf(half: Cidr): IpAddress {
  return addressAt(half, 1n);
}

/**
 * How many containers fit in a half: IPv4 loses three addresses (network, gateway, broadcast), IPv6 two (the
 * subnet-router anycast address of RFC 4291 2.6.1 and the gateway). Saturates at 2^64 - 1, never below 0.
 */
export function containerCapacity(half: Cidr): bigint {
  const family = cidrFamily(half);
  const size = 1n << BigInt(ADDRESS_BITS[family] - prefixLength(half));
  const usable = size - (family === 4 ? 3n : 2n);
  if (usable < 0n) return 0n;
  return usable > UINT64_MAX ? UINT64_MAX : usable;
}
