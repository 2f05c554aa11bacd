import { type Cidr, containsAddress, isIpAddress, parseCidr, parseIpAddress } from '@overlay/allocation';
import { AllocationHalf, type Container, type RegisterAgentResponse } from '@overlay/contracts';
import { boundLabels, LABELS_MAX_BYTES } from '../report/bound-labels.js';
import type { DockerContainer } from './docker-networks.js';

/** The only interface of a container that is on one network; Docker does not tell the names of several. */
const ONLY_INTERFACE = 'eth0';

/** An overlay network that stands in Docker. */
export interface StandingNetwork {
  readonly name: string;
  /** The overlay's subnets. */
  readonly subnets: readonly Cidr[];
}

/**
 * The overlay networks that stand in Docker, by Docker network id; without those that nobody knows any more.
 * @param standing ids of overlay networks by Docker network id
 */
export function planStandingNetworks(
  standing: ReadonlyMap<string, string>,
  { networks }: Pick<RegisterAgentResponse, 'networks'>,
): ReadonlyMap<string, StandingNetwork> {
  const specs = new Map(networks.map(({ id, spec }) => [id, spec]));
  return new Map(
    [...standing].flatMap(([dockerId, networkId]) => {
      const spec = specs.get(networkId);
      if (spec === undefined) return [];
      const subnets = [spec.subnet, spec.subnet6].filter((subnet) => subnet !== '').map(parseCidr);
      return [[dockerId, { name: spec.name, subnets }] as const];
    }),
  );
}

/**
 * The containers that hold addresses of overlay networks, once per network, as the master is told of them: labels are
 * the container's own, as many as overlay-ipam would keep (see {@link boundLabels}). An address that Docker gave out of
 * its own pools, on engines that cannot do without IPv4, is none of the overlay's and is left out.
 * @param networks by Docker network id
 */
export function planDockerContainers(
  containers: readonly DockerContainer[],
  networks: ReadonlyMap<string, StandingNetwork>,
): readonly Container[] {
  return containers
    .filter(({ running }) => running)
    .flatMap(({ id, labels, endpoints }) =>
      endpoints.flatMap((endpoint) => {
        const network = networks.get(endpoint.networkId);
        if (network === undefined) return [];
        const [ip, ip6] = [overlayAddress(endpoint.ip, network), overlayAddress(endpoint.ip6, network)];
        if (ip === '' && ip6 === '') return [];
        return [
          {
            containerId: id,
            interface: endpoints.length === 1 ? ONLY_INTERFACE : '',
            network: network.name,
            half: AllocationHalf.DOCKER,
            ip,
            ip6,
            agentIp: '',
            labels: { ...boundLabels(labels, LABELS_MAX_BYTES) },
          },
        ];
      }),
    );
}

/** The address in the spelling that lists use; '' if it is none of the network. */
function overlayAddress(text: string, { subnets }: StandingNetwork): string {
  if (!isIpAddress(text)) return '';
  const address = parseIpAddress(text);
  return subnets.some((subnet) => containsAddress(subnet, address)) ? address : '';
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
