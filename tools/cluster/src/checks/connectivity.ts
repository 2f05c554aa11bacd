import { parseIpAddress } from '@overlay/allocation';
import type { CheckedCluster } from './check.js';
import { hostAddress, hostAddress6, OUTSIDE } from './published.js';
import { wrong } from './require.js';
import { readWorkloads, runInside, type Workload } from './workloads.js';

/**
 * Pings from every workload to every other, on the same host and across, both families, and to the outside.
 * @throws naming the first pairs that do not reach each other.
 */
export async function pingEveryPair(cluster: CheckedCluster, hosts?: readonly number[]): Promise<string> {
  const workloads = await readWorkloads(cluster, hosts);
  const outcomes = await Promise.all(
    workloads.map(async (from) => {
      const others = workloads.filter(({ name }) => name !== from.name);
      const targets = [...others.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]), OUTSIDE.ipv4, OUTSIDE.ipv6];
      const rows = (await runInside(cluster, from, ['pings', ...targets])).trim().split('\n');
      return rows.map((row) => {
        const [to = '', ms = '-'] = row.split(' ');
        return { pair: `${from.name} to ${nameOf(to, workloads)}`, ms: Number(ms) };
      });
    }),
  );
  const all = outcomes.flat();
  const lost = all.filter(({ ms }) => Number.isNaN(ms)).map(({ pair }) => pair);
  if (lost.length > 0) throw wrong(`${lost.length} of ${all.length} pings: ${lost.slice(0, 6).join('; ')}`);
  const sorted = all.map(({ ms }) => ms).sort((a, b) => a - b);
  return `${all.length} pings, median ${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(2)} ms`;
}

/** A TCP connection between the halves of different hosts shows the sender's own address to the other end. */
export async function keepSources(cluster: CheckedCluster): Promise<string> {
  const workloads = await readWorkloads(cluster);
  const pairs = workloads.flatMap((from) =>
    workloads
      .filter(({ host, half }) => host === (from.host % cluster.stack.hosts) + 1 && half !== from.half)
      .map((to) => ({ from, to })),
  );
  for (const { from, to } of pairs) {
    await requireSource(cluster, from, to.ipv4, from.ipv4);
    await requireSource(cluster, from, to.ipv6, from.ipv6);
  }
  return `${pairs.length * 2} connections seen with the sender's address`;
}

/** What leaves the overlay has the address of the sender's host. */
export async function masquerade(cluster: CheckedCluster): Promise<string> {
  const workloads = await readWorkloads(cluster);
  for (const from of workloads) {
    await requireSource(cluster, from, OUTSIDE.ipv4, hostAddress(from.host));
    await requireSource(cluster, from, OUTSIDE.ipv6, hostAddress6(from.host));
  }
  return `${workloads.length * 2} connections seen with the host's address`;
}

/** One TCP stream for each two workloads and family. @returns the slowest and the fastest. */
export async function measureStreams(cluster: CheckedCluster): Promise<string> {
  const workloads = await readWorkloads(cluster);
  const rates: number[] = [];
  for (const [index, from] of workloads.entries()) {
    for (const to of workloads.slice(index + 1)) {
      for (const target of [to.ipv4, to.ipv6]) {
        const command = [
          'iperf3',
          '--client',
          target,
          '--bytes',
          '4M',
          '--connect-timeout',
          '5000',
          '--json',
        ];
        const report = JSON.parse(await runInside(cluster, from, command)) as {
          readonly end?: {
            readonly sum_received?: { readonly bits_per_second: number; readonly bytes: number };
          };
        };
        const received = report.end?.sum_received;
        if (received === undefined || received.bytes === 0) {
          throw wrong(`iperf3 from ${from.name} to ${to.name} (${target}) moved nothing`);
        }
        rates.push(received.bits_per_second / 1e9);
      }
    }
  }
  const range = [Math.min(...rates), Math.max(...rates)].map((rate) => rate.toFixed(1)).join(' to ');
  return `${rates.length} streams, ${range} Gbit/s`;
}

async function requireSource(
  cluster: CheckedCluster,
  from: Workload,
  target: string,
  source: string,
): Promise<void> {
  const address = target.includes(':') ? `TCP6:[${target}]:8080` : `TCP4:${target}:8080`;
  const said = await runInside(cluster, from, ['socat', '-u', `${address},connect-timeout=5`, '-']);
  const seen = said.trim().replace(/^\[|\]$/g, '');
  if (seen === '' || parseIpAddress(seen) !== parseIpAddress(source)) {
    throw wrong(`${from.name} was seen by ${target} as ${seen || 'nobody'} instead of ${source}`);
  }
}

function nameOf(address: string, workloads: readonly Workload[]): string {
  const found = workloads.find(({ ipv4, ipv6 }) => [ipv4, ipv6].includes(address));
  return `${found?.name ?? 'outside'} (${address})`;
}
