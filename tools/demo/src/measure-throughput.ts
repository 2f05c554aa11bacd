import type { Container, Host } from '@overlay/testbed';
import type { AttachedContainer } from './attach-containers.js';
import type { ThroughputReport } from './report.js';

const SECONDS = 2;

/** Measures between the first two hosts; `undefined` when there is only one. */
export async function measureThroughput(
  hosts: readonly Host[],
  containers: ReadonlyMap<string, AttachedContainer>,
): Promise<ThroughputReport | undefined> {
  const [firstHost, secondHost] = hosts;
  if (firstHost === undefined || secondHost === undefined) return undefined;
  const on = (host: Host): [string, Container] | undefined =>
    [...containers]
      .map(([name, { container }]): [string, Container] => [name, container])
      .find(([, container]) => container.host === host.label && container.ipv4 !== undefined);
  const [from, client] = on(firstHost) ?? [];
  const [to, server] = on(secondHost) ?? [];
  if (from === undefined || to === undefined || client === undefined || server?.ipv4 === undefined)
    return undefined;
  const overlay = await client.throughput(server, server.ipv4, SECONDS);
  const underlay = await firstHost.throughput(secondHost, secondHost.address.ipv4, SECONDS);
  return {
    from,
    to,
    overlayBitsPerSecond: Math.round(overlay.bitsPerSecond),
    underlayBitsPerSecond: Math.round(underlay.bitsPerSecond),
  };
}
