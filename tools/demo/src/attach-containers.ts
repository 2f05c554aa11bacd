import type { Container, Host } from '@overlay/testbed';
import type { DemoContainer } from './check.js';

/** One container on each half of each network of each host, by name. */
export async function attachContainers(
  hosts: readonly Host[],
  networks: readonly string[],
): Promise<ReadonlyMap<string, Container>> {
  const attached = await Promise.all(
    networks.flatMap((network) =>
      hosts.flatMap((host) => [host.attachCni(network), host.attachDockerHalf(network)]),
    ),
  );
  return new Map(attached.map((container) => [nameOf(container), container]));
}

/** What is told about the containers. */
export function describeContainers(containers: ReadonlyMap<string, Container>): readonly DemoContainer[] {
  return [...containers].map(([name, { host, network, half, ipv4, ipv6 }]) => ({
    name,
    host,
    network,
    half,
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
  }));
}

function nameOf({ host, network, half }: Container): string {
  return `${host}-${network}-${half}`;
}
