import { DOCKER_BRIDGE_PREFIX } from '../kernel/ownership.js';
import { activeNetworks, type HostDescription } from './host-description.js';

/**
 * Rules that forward nothing of IPv4 on the Docker bridge of a network without IPv4. An engine that cannot make such
 * networks gives the bridge a subnet from its own pools; it belongs to no overlay, and its packets would leave the host
 * untranslated.
 */
export function planForeignIpv4(host: HostDescription): readonly string[] {
  if (!host.configureDockerBridges) return [];
  const docker = new Set(
    host.networks.flatMap(({ id, dockerBridge }) => (dockerBridge === undefined ? [] : [id])),
  );
  return activeNetworks(host)
    .filter(({ id, subnets }) => docker.has(id) && subnets.every((subnet) => subnet.includes(':')))
    .flatMap(({ name }) =>
      ['iifname', 'oifname'].map(
        (side) => `${side} "${DOCKER_BRIDGE_PREFIX}${name}" meta nfproto ipv4 counter drop`,
      ),
    );
}
