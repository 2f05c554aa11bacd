import type { Container, Host } from '@overlay/testbed';
import type { DemoContainer, DemoRuntime } from './check.js';

/** A container and what runs it. */
export interface AttachedContainer {
  readonly container: Container;
  readonly runtime: DemoRuntime;
}

/** One container per runtime on each network of each host, by name. A host's Docker Engine starts if it has to. */
export async function attachContainers(
  hosts: readonly Host[],
  networks: readonly string[],
  runtimes: readonly DemoRuntime[],
): Promise<ReadonlyMap<string, AttachedContainer>> {
  if (runtimes.includes('docker')) await Promise.all(hosts.map((host) => prepareDocker(host, networks)));
  const attached = await Promise.all(
    networks.flatMap((network) =>
      hosts.flatMap((host) =>
        runtimes.map(async (runtime) => ({ runtime, container: await start(host, network, runtime) })),
      ),
    ),
  );
  return new Map(attached.map((each) => [nameOf(each), each]));
}

/** What is told about the containers. */
export function describeContainers(
  containers: ReadonlyMap<string, AttachedContainer>,
): readonly DemoContainer[] {
  return [...containers].map(([name, { container, runtime }]) => ({
    name,
    host: container.host,
    network: container.network,
    half: container.half,
    runtime,
    ...(container.ipv4 === undefined ? {} : { ipv4: container.ipv4 }),
    ...(container.ipv6 === undefined ? {} : { ipv6: container.ipv6 }),
  }));
}

async function prepareDocker(host: Host, networks: readonly string[]): Promise<void> {
  await host.startDocker();
  await Promise.all(networks.map((network) => host.waitDockerNetwork(network)));
}

function start(host: Host, network: string, runtime: DemoRuntime): Promise<Container> {
  switch (runtime) {
    case 'cni':
      return host.attachCni(network);
    case 'podman':
      return host.runPodman(network);
    case 'docker':
      return host.runDocker(network);
    case 'by-hand':
      return host.attachDockerHalf(network);
  }
}

function nameOf({ container: { host, network, half }, runtime }: AttachedContainer): string {
  return `${host}-${network}-${runtime === 'by-hand' ? half : runtime}`;
}
