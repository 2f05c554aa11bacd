import { containsAddress, parseCidr, parseIpAddress } from '@overlay/allocation';
import { type AgentNetwork, type Container, type NetworkState, NetworkStatus } from '@overlay/contracts';

/** So many are named where stranded containers are told of. */
const NAMED = 5;

/**
 * Of these containers those that hold an address which this host was not assigned, or not any more: a node that comes
 * back after its quarantine gets another block, and its old one may be another host's by then. Nothing routes to them.
 */
export function strandedContainers(
  networks: readonly AgentNetwork[],
  containers: readonly Container[],
): readonly Container[] {
  const prefixes = new Map(
    networks.map(({ network, routedPrefixes }) => [network?.name ?? '', routedPrefixes.map(parseCidr)]),
  );
  return containers.filter(({ network, ip, ip6 }) => {
    const own = prefixes.get(network) ?? [];
    const held = [ip, ip6].filter((address) => address !== '').map(parseIpAddress);
    return held.some((address) => !own.some((prefix) => containsAddress(prefix, address)));
  });
}

/** The state of a network with stranded containers: what they are and what to do; undefined without any. */
export function strandedState(
  { network }: AgentNetwork,
  stranded: readonly Container[],
): NetworkState | undefined {
  const here = stranded.filter((container) => container.network === network?.name);
  if (here.length === 0) return undefined;
  const named = here.slice(0, NAMED).map(({ containerId, ip, ip6 }) => `${containerId} (${ip || ip6})`);
  const more = here.length > NAMED ? ` and ${here.length - NAMED} more` : '';
  const error = `stranded on addresses that are not this host's any more: ${named.join(', ')}${more}; start them anew`;
  return { status: NetworkStatus.FAILED, error };
}
