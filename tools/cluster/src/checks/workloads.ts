import type { CheckedCluster } from './check.js';
import { hostNumbers } from './published.js';
import { outputOf, wrong } from './require.js';

/** A container on one half of a host. */
export interface Workload {
  readonly service: string;
  readonly host: number;
  readonly half: 'cni' | 'docker';
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Every container on the overlay, with its addresses. @throws if one has not got both. */
export async function readWorkloads(
  cluster: CheckedCluster,
  hosts: readonly number[] = hostNumbers(cluster.stack.hosts),
): Promise<readonly Workload[]> {
  const halves = ['cni', 'docker'] as const;
  return Promise.all(
    hosts.flatMap((host) =>
      halves.map(async (half) => {
        const service = `workload-${half}-${host}`;
        const listed = await cluster.stack.exec(service, ['ip', '-json', 'address']);
        const { ipv4, ipv6 } = parseAddresses(outputOf(`ip address in ${service}`, listed));
        if (ipv4 === undefined || ipv6 === undefined) throw wrong(`${service} has no address of each family`);
        return { service, host, half, ipv4, ipv6 };
      }),
    ),
  );
}

/** Runs a program inside a workload and returns its output. */
export async function runInside(
  { stack }: CheckedCluster,
  { service }: Workload,
  argv: readonly string[],
  timeoutMs = 60_000,
): Promise<string> {
  return outputOf(`${argv.join(' ')} in ${service}`, await stack.exec(service, argv, { timeoutMs }));
}

/** The first global address of each family. */
export function parseAddresses(json: string): { readonly ipv4?: string; readonly ipv6?: string } {
  const links = JSON.parse(json) as readonly {
    readonly addr_info?: readonly {
      readonly family: string;
      readonly local: string;
      readonly scope: string;
    }[];
  }[];
  const global = links.flatMap(({ addr_info = [] }) => addr_info).filter(({ scope }) => scope === 'global');
  const ipv4 = global.find(({ family }) => family === 'inet')?.local;
  const ipv6 = global.find(({ family }) => family === 'inet6')?.local;
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) };
}
