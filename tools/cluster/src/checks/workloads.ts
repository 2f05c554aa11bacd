import type { CheckedCluster } from './check.js';
import { hostNumbers } from './published.js';
import { outputOf, wrong } from './require.js';

/** A container on one half of a host. */
export interface Workload {
  /** `cni-1`. */
  readonly name: string;
  readonly place: WorkloadPlace;
  readonly host: number;
  readonly half: 'cni' | 'docker';
  readonly ipv4: string;
  readonly ipv6: string;
}

/** How to run something in a workload. */
interface WorkloadPlace {
  readonly service: string;
  /** In front of the command: a container of a host's own engine is entered from there. */
  readonly enter: readonly string[];
}

/** How long a program inside a workload may take, all its targets together. */
const INSIDE_MS = 120_000;
const ENTER_INNER = ['docker', '--host=unix:///run/docker/docker.sock', 'exec', 'workload'];

/** What was last read of a cluster. */
const known = new WeakMap<CheckedCluster, readonly Workload[]>();

/** Every container on the overlay, with its addresses. @throws if one has not got both. */
export async function readWorkloads(cluster: CheckedCluster): Promise<readonly Workload[]> {
  const halves = ['cni', 'docker'] as const;
  const read = await Promise.all(
    hostNumbers(cluster.stack.hosts).flatMap((host) =>
      halves.map((half) => readWorkload(cluster, host, half)),
    ),
  );
  known.set(cluster, read);
  return read;
}

/**
 * The containers on the overlay of some hosts as they were last read, for while something is wrong: whoever keeps
 * running keeps its addresses.
 */
export async function recallWorkloads(
  cluster: CheckedCluster,
  hosts: readonly number[] = hostNumbers(cluster.stack.hosts),
): Promise<readonly Workload[]> {
  const workloads = known.get(cluster) ?? (await readWorkloads(cluster));
  return workloads.filter(({ host }) => hosts.includes(host));
}

async function readWorkload(
  cluster: CheckedCluster,
  host: number,
  half: Workload['half'],
): Promise<Workload> {
  const name = `${half}-${host}`;
  const place =
    half === 'docker' && cluster.stack.docker
      ? { service: `engine-${host}`, enter: ENTER_INNER }
      : { service: `workload-${name}`, enter: [] };
  const listed = await runInside(cluster, { name, place }, ['ip', '-json', 'address']);
  const { ipv4, ipv6 } = parseAddresses(listed);
  if (ipv4 === undefined || ipv6 === undefined) throw wrong(`${name} has no address of each family`);
  return { name, place, host, half, ipv4, ipv6 };
}

/** Runs a program inside a workload and returns its output. */
export async function runInside(
  { stack }: CheckedCluster,
  { name, place }: Pick<Workload, 'name' | 'place'>,
  argv: readonly string[],
): Promise<string> {
  const result = await stack.exec(place.service, [...place.enter, ...argv], { timeoutMs: INSIDE_MS });
  return outputOf(`${argv.join(' ')} in ${name}`, result);
}

/** Address space of the networks in deploy/compose/master-*.yaml: Docker adds addresses of its own. */
const OVERLAY_ADDRESS = /^(?:9\.|fd01:b:)/;

/** The first overlay address of each family. */
export function parseAddresses(json: string): { readonly ipv4?: string; readonly ipv6?: string } {
  const links = JSON.parse(json) as readonly {
    readonly addr_info?: readonly {
      readonly family: string;
      readonly local: string;
    }[];
  }[];
  const addresses = links.flatMap(({ addr_info = [] }) => addr_info);
  const own = addresses.filter(({ local }) => OVERLAY_ADDRESS.test(local));
  const ipv4 = own.find(({ family }) => family === 'inet')?.local;
  const ipv6 = own.find(({ family }) => family === 'inet6')?.local;
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) };
}
