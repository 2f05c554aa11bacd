import { parseIpAddress } from '@overlay/allocation';
import type { CheckedCluster } from './check.js';
import { hostAddress, hostAddress6, OUTSIDE } from './published.js';
import { wrong } from './require.js';
import { readWorkloads, recallWorkloads, runInside, type Workload } from './workloads.js';

/**
 * Pings from every workload to every other, on the same host and across, both families, and to the outside.
 * @throws naming the first pairs that do not reach each other.
 */
export async function pingEveryPair(cluster: CheckedCluster): Promise<string> {
  return pingAmong(cluster, await readWorkloads(cluster));
}

/** The same among the workloads of some hosts, at the addresses that they had before something went wrong. */
export async function pingStill(cluster: CheckedCluster, hosts?: readonly number[]): Promise<string> {
  return pingAmong(cluster, await recallWorkloads(cluster, hosts));
}

async function pingAmong(cluster: CheckedCluster, workloads: readonly Workload[]): Promise<string> {
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
  const workloads = await recallWorkloads(cluster);
  const seen = await Promise.all(
    workloads.map((from) => {
      const others = workloads.filter(
        ({ host, half }) => host === (from.host % cluster.stack.hosts) + 1 && half !== from.half,
      );
      const targets = others.flatMap((to) => [
        { address: to.ipv4, source: from.ipv4 },
        { address: to.ipv6, source: from.ipv6 },
      ]);
      return requireSources(cluster, from, targets);
    }),
  );
  return `${sum(seen)} connections seen with the sender's address`;
}

/** What leaves the overlay has the address of the sender's host. */
export async function masquerade(cluster: CheckedCluster): Promise<string> {
  const workloads = await recallWorkloads(cluster);
  const seen = await Promise.all(
    workloads.map((from) =>
      requireSources(cluster, from, [
        { address: OUTSIDE.ipv4, source: hostAddress(from.host) },
        { address: OUTSIDE.ipv6, source: hostAddress6(from.host) },
      ]),
    ),
  );
  return `${sum(seen)} connections seen with the host's address`;
}

/** One TCP stream for each two workloads and family, one at a time. @returns the slowest and the fastest. */
export async function measureStreams(cluster: CheckedCluster): Promise<string> {
  const workloads = await recallWorkloads(cluster);
  const rates: number[] = [];
  for (const [index, from] of workloads.entries()) {
    const targets = workloads.slice(index + 1).flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
    if (targets.length === 0) continue;
    const reports = await forEachTarget(cluster, from, STREAM, targets);
    for (const [target, output] of reports) {
      const report = JSON.parse(output) as {
        readonly end?: {
          readonly sum_received?: { readonly bits_per_second: number; readonly bytes: number };
        };
      };
      const received = report.end?.sum_received;
      if (received === undefined || received.bytes === 0) {
        throw wrong(`iperf3 from ${from.name} to ${nameOf(target, workloads)} moved nothing`);
      }
      rates.push(received.bits_per_second / 1e9);
    }
  }
  const range = [Math.min(...rates), Math.max(...rates)].map((rate) => rate.toFixed(1)).join(' to ');
  return `${rates.length} streams, ${range} Gbit/s`;
}

/** Enough for a tenth of a second: what a stream of milliseconds received is counted too late, now and then as nothing. */
const STREAM = 'iperf3 --client "$target" --bytes 64M --connect-timeout 5000 --json';

/** IPv6 addresses stand in brackets, as socat wants them. */
const CALL = 'socat -u "TCP:$target:8080,connect-timeout=5" -';

/** Whose call came from where. */
interface SeenTarget {
  readonly address: string;
  /** The address that the target has to see. */
  readonly source: string;
}

/** @returns how many targets saw the right source. @throws at the first that saw another, or none. */
async function requireSources(
  cluster: CheckedCluster,
  from: Workload,
  targets: readonly SeenTarget[],
): Promise<number> {
  const bracketed = ({ address }: SeenTarget): string => (address.includes(':') ? `[${address}]` : address);
  const answers = await forEachTarget(cluster, from, CALL, targets.map(bracketed));
  for (const target of targets) {
    const seen = (answers.get(bracketed(target)) ?? '').trim().replace(/^\[|\]$/g, '');
    if (seen === '' || parseIpAddress(seen) !== parseIpAddress(target.source)) {
      throw wrong(
        `${from.name} was seen by ${target.address} as ${seen || 'nobody'} instead of ${target.source}`,
      );
    }
  }
  return targets.length;
}

/**
 * Runs a command of the shell, with each target as `$target`, one after the other, in one call of the engine.
 * @returns what it printed for each. @throws if it failed for one.
 */
async function forEachTarget(
  cluster: CheckedCluster,
  from: Workload,
  command: string,
  targets: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const script = `for target; do output=$(${command} 2>&1) || { echo "$target: $output" >&2; exit 1; }; printf '%s\\n\\001' "$output"; done`;
  const output = await runInside(cluster, from, ['sh', '-c', script, 'sh', ...targets]);
  const parts = output.split('\u0001');
  return new Map(targets.map((target, index) => [target, parts[index] ?? '']));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function nameOf(address: string, workloads: readonly Workload[]): string {
  const found = workloads.find(({ ipv4, ipv6 }) => [ipv4, ipv6].includes(address));
  return `${found?.name ?? 'outside'} (${address})`;
}
