import { isIpAddress, parseCidr, parseIpAddress } from '@overlay/allocation';
import { isFailure } from '@overlay/failure';
import type { DockerNetworkSettings, DockerSubnet } from './docker-networks.js';
import { BRIDGE_OPTIONS } from './plan-docker-network.js';

/**
 * How a network that stands in Docker differs from the wanted one, one text for each difference (`subnet is X, must
 * be Y`); none if containers on it get what they would get on ours. Labels do not count, nor options that change
 * nothing for containers, nor an IPv4 subnet of Docker's own pools where none is wanted.
 */
export function dockerNetworkDifferences(
  wanted: DockerNetworkSettings,
  found: DockerNetworkSettings,
): readonly string[] {
  const ipv4 = subnetsOf(wanted, 4);
  const differences = [
    differing('driver', found.driver, wanted.driver),
    differing('IPAM driver', found.ipamDriver, wanted.ipamDriver),
    differing('internal', String(found.internal), String(wanted.internal)),
    differing('IPv6', String(found.ipv6), String(wanted.ipv6)),
    ...(ipv4.length === 0 ? [] : subnetDifferences('subnet', ipv4, subnetsOf(found, 4))),
    ...subnetDifferences('IPv6 subnet', subnetsOf(wanted, 6), subnetsOf(found, 6)),
    ...optionDifferences(wanted.options, found.options),
  ];
  return differences.filter((text) => text !== undefined);
}

/** The IPv4 subnets that Docker gave a network which shall have none, for engines that cannot do without. */
export function unwantedIpv4Subnets(
  wanted: DockerNetworkSettings,
  found: DockerNetworkSettings,
): readonly string[] {
  if (subnetsOf(wanted, 4).length > 0) return [];
  return subnetsOf(found, 4).map(({ subnet }) => canonicalSubnet(subnet));
}

function differing(what: string, is: string, must: string): string | undefined {
  return is === must ? undefined : `${what} is ${is === '' ? 'not set' : is}, must be ${must}`;
}

function subnetsOf({ subnets }: DockerNetworkSettings, family: 4 | 6): readonly DockerSubnet[] {
  return subnets.filter(({ subnet }) => subnet.includes(':') === (family === 6));
}

function subnetDifferences(
  what: string,
  wanted: readonly DockerSubnet[],
  found: readonly DockerSubnet[],
): readonly (string | undefined)[] {
  const [must] = wanted;
  if (must === undefined) {
    return found.length === 0
      ? []
      : [`${what} is ${found.map(({ subnet }) => subnet).join(' and ')}, must not be there`];
  }
  const subnets = found.map(({ subnet }) => canonicalSubnet(subnet)).join(' and ');
  const [is] = found;
  const wrong = differing(what, subnets, canonicalSubnet(must.subnet));
  if (wrong !== undefined || is === undefined) return [wrong];
  const gateway = is.gateway === '' ? must.gateway : canonicalAddress(is.gateway);
  const range = is.range === '' ? must.subnet : is.range;
  return [
    differing(`gateway of ${must.subnet}`, gateway, canonicalAddress(must.gateway)),
    differing(`range of ${must.subnet}`, canonicalSubnet(range), canonicalSubnet(must.subnet)),
  ];
}

function optionDifferences(
  wanted: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): readonly (string | undefined)[] {
  const texts = [
    BRIDGE_OPTIONS.name,
    BRIDGE_OPTIONS.mtu,
    BRIDGE_OPTIONS.gatewayMode,
    BRIDGE_OPTIONS.gatewayMode6,
  ];
  return [
    ...texts.map((option) =>
      wanted[option] === undefined
        ? undefined
        : differing(`option ${option}`, found[option] ?? '', wanted[option]),
    ),
    switchDifference(BRIDGE_OPTIONS.masquerade, found, true, false),
    switchDifference(BRIDGE_OPTIONS.betweenContainers, found, true, true),
    switchDifference(BRIDGE_OPTIONS.withoutIpv4Gateway, found, false, false),
  ];
}

function switchDifference(
  option: string,
  found: Readonly<Record<string, string>>,
  unset: boolean,
  must: boolean,
): string | undefined {
  const text = found[option];
  const is = text === undefined ? unset : isTrue(text);
  return is === must ? undefined : `option ${option} is ${text ?? 'not set'}, must be ${must}`;
}

/** As the engine reads it (Go's `strconv.ParseBool`). */
function isTrue(text: string): boolean {
  return ['1', 't', 'true'].includes(text.toLowerCase());
}

/** The subnet of a network that is a prefix, however it is spelt; undefined if it has none such. */
export function subnetFor(
  { subnets }: Pick<DockerNetworkSettings, 'subnets'>,
  prefix: string,
): DockerSubnet | undefined {
  return subnets.find(({ subnet }) => canonicalSubnet(subnet) === canonicalSubnet(prefix));
}

/** One spelling for each prefix. One that is not a prefix by our rules stays as it is, and so differs from ours. */
function canonicalSubnet(text: string): string {
  try {
    return parseCidr(text);
  } catch (thrown) {
    if (isFailure(thrown)) return text;
    throw thrown;
  }
}

/** Engine 28.0.0 tells an IPv6 gateway with its length. */
function canonicalAddress(text: string): string {
  const [address = ''] = text.split('/');
  return isIpAddress(address) ? parseIpAddress(address) : text;
}
