import { AllocationHalf, type Container } from '@overlay/contracts';
import type { DockerContainer } from './docker-networks.js';

/** The only interface of a container that is on one network; Docker does not tell the names of several. */
const ONLY_INTERFACE = 'eth0';

/**
 * The containers that are on overlay networks, once per network, as the master is told of them: labels are the
 * container's own.
 * @param names names of the overlay networks by Docker network id
 */
export function planDockerContainers(
  containers: readonly DockerContainer[],
  names: ReadonlyMap<string, string>,
): readonly Container[] {
  return containers.flatMap(({ id, labels, endpoints }) =>
    endpoints.flatMap(({ networkId, ip, ip6 }) => {
      const network = names.get(networkId);
      if (network === undefined || (ip === '' && ip6 === '')) return [];
      return [
        {
          containerId: id,
          interface: endpoints.length === 1 ? ONLY_INTERFACE : '',
          network,
          half: AllocationHalf.DOCKER,
          ip,
          ip6,
          agentIp: '',
          labels: { ...labels },
        },
      ];
    }),
  );
}

/**
 * The host's containers out of both sources: one that Docker tells of is Docker's word, also where overlay-ipam
 * gave the address (in a shared pool).
 */
export function mergeContainers(
  allocated: readonly Container[],
  docker: readonly Container[],
): readonly Container[] {
  const told = new Set(docker.flatMap(addressesOf));
  return [
    ...allocated.filter((container) => !addressesOf(container).some((one) => told.has(one))),
    ...docker,
  ];
}

function addressesOf({ network, ip, ip6 }: Container): readonly string[] {
  return [ip, ip6].filter((address) => address !== '').map((address) => `${network} ${address}`);
}
