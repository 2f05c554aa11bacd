import { Testbed } from '@overlay/testbed';
import type { Bench, BenchResult, BenchSizes, Measurement } from './bench.js';
import { type Programming, programByHand, programPeers, totalOf } from './dataplane/programming.js';
import { measureRepairs } from './dataplane/repair-latency.js';
import { measureThroughput } from './dataplane/tunnel-throughput.js';

const SIZES = [1_000, 10_000, 20_000, 100_000, 262_143];
/** Beyond, routes with inline gateways take minutes. */
const MOST_INLINE = 20_000;
const REPAIRED_PEERS = 1_000;
const ROUNDS = 10;
const SECONDS = 3;

const RAW_FACTOR = 3;
const INLINE_FACTOR = 10;
const LINEAR_FACTOR = 2;
const THROUGHPUT_SHARE = 0.98;
/** Fault 9: seconds at most. */
const REPAIR_GOAL_MS = 2_000;
/** Resident memory has no counterpart: this much for each peer is what the entries themselves take in text. */
const BYTES_PER_PEER = 800;

/** The kernel of a host under the real dataplane: programming, restart, single changes, repair, throughput. */
export const benchDataplane: Bench = {
  name: 'dataplane',
  description: 'peers into an empty host beside raw batches and inline gateways, repair, throughput',
  run: async ({ sizes = SIZES, seconds = SECONDS }: BenchSizes): Promise<BenchResult> => {
    const testbed = await Testbed.create({ hosts: 0, label: 'bench-dataplane' });
    try {
      return {
        measurements: [
          ...(await measureSizes(testbed, sizes)),
          ...(await measureRepair(testbed)),
          await measureTunnel(seconds),
        ],
      };
    } finally {
      await testbed.close();
    }
  },
};

async function measureSizes(testbed: Testbed, sizes: readonly number[]): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  const measured: Programming[] = [];
  for (const size of sizes) {
    const raw = await programByHand(testbed, size, 'nexthop objects');
    const product = await programPeers(testbed, size);
    measured.push(product);
    measurements.push(...rowsOf(product, raw));
    if (size <= MOST_INLINE) {
      const inline = await programByHand(testbed, size, 'inline');
      measurements.push(...inlineRows(product, inline));
    }
  }
  const [smallest, largest] = [measured[0], measured.at(-1)];
  if (smallest === undefined || largest === undefined || smallest === largest) return measurements;
  return [...measurements, linearity(smallest, largest)];
}

function rowsOf(product: Programming, raw: ReadonlyMap<string, number>): readonly Measurement[] {
  const peers = `${spell(product.peers)} peers`;
  const total = totalOf(raw);
  const steps = [...raw].map(([name, seconds]) => `${name} ${seconds.toFixed(2)}`).join(', ');
  return [
    {
      what: `${peers}, IPv4 and IPv6, into an empty host`,
      ...inSeconds(product.seconds, `raw batches (${steps})`, total),
      goal: total * RAW_FACTOR,
    },
    {
      what: `${peers}: of it forwarding entries and neighbours`,
      ...inSeconds(product.neighbourSeconds, 'raw batches', sumOf(raw, ['forwarding entries', 'neighbours'])),
    },
    {
      what: `${peers}: of it nexthops and routes`,
      ...inSeconds(product.routeSeconds, 'raw batches', sumOf(raw, ['nexthops', 'routes'])),
    },
    {
      what: `${peers}: restart with everything in place`,
      ...inSeconds(product.restartSeconds, 'programming', product.seconds),
    },
    {
      what: `${peers}: restart, objects not written again`,
      unit: 'objects',
      better: 'higher',
      product: product.written - product.restartWrites,
      counterpart: { name: 'all', figure: product.written },
      goal: product.written,
    },
    {
      what: `${peers}: one of them changes its address`,
      ...inSeconds(product.changeSeconds, 'programming', product.seconds),
    },
    {
      what: `${peers}: one changes, objects written`,
      ...figures('objects', product.changeWrites, 'entry, two routes, two elements', 5),
      goal: 5,
    },
    { what: `${peers}: purge`, ...inSeconds(product.purgeSeconds, 'programming', product.seconds) },
    ...(['now', 'peak'] as const).map(
      (when): Measurement => ({
        what: `${peers}: resident memory of the process, ${when}`,
        ...figures(
          'bytes',
          product.memory[when],
          'text of the entries alone',
          product.peers * BYTES_PER_PEER,
        ),
      }),
    ),
  ];
}

/** All entries, and the part that differs: neighbours and forwarding entries are the same on both sides. */
function inlineRows(product: Programming, inline: ReadonlyMap<string, number>): readonly Measurement[] {
  const peers = `${spell(product.peers)} peers`;
  const goals = product.peers === MOST_INLINE;
  const all = totalOf(inline);
  const routes = totalOf(new Map([...inline].filter(([name]) => name.includes('route'))));
  return [
    {
      what: `${peers} beside flannel and DC/OS, all entries`,
      ...inSeconds(product.seconds, 'raw batches, inline gateways', all),
    },
    {
      what: `${peers} beside flannel and DC/OS, the step of nexthops and routes`,
      ...inSeconds(product.routeSeconds, 'inline gateways, routes', routes),
      ...(goals ? { goal: routes / INLINE_FACTOR } : {}),
    },
  ];
}

function linearity(smallest: Programming, largest: Programming): Measurement {
  const perPeer = ({ seconds: total, peers }: Programming) => (total * 1e6) / peers;
  return {
    what: `time for each peer at ${spell(largest.peers)}`,
    ...figures('µs', perPeer(largest), `at ${spell(smallest.peers)}`, perPeer(smallest)),
    goal: perPeer(smallest) * LINEAR_FACTOR,
  };
}

async function measureRepair(testbed: Testbed): Promise<readonly Measurement[]> {
  const medians = await measureRepairs(testbed, REPAIRED_PEERS);
  return [...medians].map(
    ([kind, tookMs]): Measurement => ({
      what: `repair of a ${kind} among ${spell(REPAIRED_PEERS)} peers`,
      ...figures('ms', tookMs, 'the goal', REPAIR_GOAL_MS),
      goal: REPAIR_GOAL_MS,
    }),
  );
}

async function measureTunnel(seconds: number): Promise<Measurement> {
  const { overlay, handMade } = await measureThroughput(ROUNDS, seconds);
  return {
    what: `TCP from container to container across hosts, median of ${ROUNDS} rounds`,
    unit: 'Gbit/s',
    better: 'higher',
    product: overlay,
    counterpart: { name: 'hand-made VXLAN path', figure: handMade },
    goal: handMade * THROUGHPUT_SHARE,
  };
}

function sumOf(raw: ReadonlyMap<string, number>, steps: readonly string[]): number {
  return totalOf(new Map([...raw].filter(([name]) => steps.includes(name))));
}

function inSeconds(product: number, name: string, figure: number) {
  return figures('s', product, name, figure);
}

function figures(unit: string, product: number, name: string, figure: number) {
  return { unit, better: 'lower' as const, product, counterpart: { name, figure } };
}

function spell(count: number): string {
  return count.toLocaleString('en-US');
}
