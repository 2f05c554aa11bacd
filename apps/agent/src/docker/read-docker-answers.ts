import type Docker from 'dockerode';
import type { DockerContainer, DockerNetwork } from './docker-networks.js';

/** A network as the engine tells it, with what newer engines add. */
type NetworkAnswer = Docker.NetworkInspectInfo & { readonly EnableIPv4?: boolean };

/** A subnet as the engine tells it. */
interface SubnetAnswer {
  readonly Subnet?: string | undefined;
  readonly Gateway?: string | undefined;
  readonly IPRange?: string | undefined;
  readonly AuxiliaryAddresses?: Readonly<Partial<Record<string, string>>> | null | undefined;
}

/** Reads one entry of `GET /networks`. */
export function readDockerNetwork(answer: NetworkAnswer): DockerNetwork {
  const subnets: readonly SubnetAnswer[] = answer.IPAM?.Config ?? [];
  return {
    id: answer.Id,
    name: answer.Name,
    driver: answer.Driver,
    ipamDriver: answer.IPAM?.Driver ?? '',
    ipv4: answer.EnableIPv4 ?? true,
    ipv6: answer.EnableIPv6 ?? false,
    internal: answer.Internal ?? false,
    subnets: subnets.map(({ Subnet = '', Gateway = '', IPRange = '', AuxiliaryAddresses }) => ({
      subnet: Subnet,
      gateway: Gateway,
      range: IPRange,
      setAside: Object.values(AuxiliaryAddresses ?? {}).filter((address) => address !== undefined),
    })),
    options: answer.Options ?? {},
    labels: answer.Labels ?? {},
  };
}

/** States of containers that have no process (Docker Engine API, `ContainerState.Status`). */
const NOT_RUNNING: ReadonlySet<string> = new Set(['created', 'exited', 'dead', 'removing']);

/** Reads one entry of `GET /containers/json`. */
export function readDockerContainer(answer: Docker.ContainerInfo): DockerContainer {
  const [name = answer.Id] = answer.Names ?? [];
  return {
    id: answer.Id,
    name: name.replace(/^\//, ''),
    running: !NOT_RUNNING.has(answer.State),
    labels: answer.Labels ?? {},
    endpoints: Object.entries(answer.NetworkSettings?.Networks ?? {}).map(([network, endpoint]) => ({
      network,
      networkId: endpoint.NetworkID ?? '',
      ip: endpoint.IPAddress ?? '',
      ip6: endpoint.GlobalIPv6Address ?? '',
    })),
  };
}
