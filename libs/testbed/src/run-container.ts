import type { CniAddress } from './cni-chain.js';
import type { RunningContainer } from './container-roster.js';
import type { DockerEngine } from './docker-engine.js';
import type { DockerHalf } from './docker-half.js';
import type { Podman } from './podman.js';

/** What a container of a host's Docker Engine is started with. */
export interface DockerRunOptions {
  /** Default: the container's label, such as `h1-c3`. */
  readonly name?: string;
  /** IPv4 address that it asks for. */
  readonly ip?: string;
  /** IPv6 address that it asks for. */
  readonly ip6?: string;
  /** Further options of `docker run`. */
  readonly args?: readonly string[];
}

/** What a container of a host's Podman is started with. */
export interface PodmanRunOptions {
  /** Default: the container's label, such as `h1-c3`. */
  readonly name?: string;
  /** Further options of `podman run`. */
  readonly args?: readonly string[];
}

/**
 * Runs a container in a Docker Engine.
 *
 * @param half of the overlay, if the network is one: Docker gives an IPv6 network an IPv4 subnet of its own pools as
 *   well, and that address is left out.
 */
export async function runDockerContainer(
  engine: DockerEngine,
  network: string,
  half: DockerHalf | undefined,
  options: DockerRunOptions & { readonly name: string },
): Promise<RunningContainer> {
  const container = await engine.run(network, [
    '--name',
    options.name,
    ...(options.ip === undefined ? [] : ['--ip', options.ip]),
    ...(options.ip6 === undefined ? [] : ['--ip6', options.ip6]),
    ...(options.args ?? []),
  ]);
  const isOurs = ({ address }: CniAddress): boolean =>
    half === undefined || (address.includes(':') ? half.subnet6 : half.subnet) !== undefined;
  return {
    network,
    half: 'docker',
    container: { ...container, addresses: container.addresses.filter(isOurs) },
    detach: async () => {
      await engine.dockerOrFail('rm', '--force', '--volumes', container.id);
    },
  };
}

/** Runs a container with Podman. */
export async function runPodmanContainer(
  podman: Podman,
  network: string,
  options: PodmanRunOptions & { readonly name: string },
): Promise<RunningContainer> {
  const container = await podman.run(network, ['--name', options.name, ...(options.args ?? [])]);
  return {
    network,
    half: 'cni',
    container,
    detach: async () => {
      await podman.podmanOrFail('rm', '--force', '--time', '0', container.id);
    },
  };
}
