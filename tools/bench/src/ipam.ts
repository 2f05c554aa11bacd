import type { Bench, BenchResult, BenchSizes, Measurement } from './bench.js';
import { medianOf } from './dataplane/median-of.js';
import { barePairsPerSecond, commitsPerSecond, pairsPerSecond } from './ipam/allocation-rate.js';
import { measureFirstPings } from './ipam/first-ping.js';
import { IpamBed, type IpamPlugin } from './ipam-bed.js';

const ALONE_ROUNDS = 31;
const AT_ONCE = 100;
const IN_FLIGHT = 64;
/** Both sides of a rate or a burst in turn, so often; what is told is the median. */
const ROUNDS = 3;
const RATE_S = 3;
const COMMITS_MS = 1500;
const PING_ROUNDS = 9;

type Command = 'ADD' | 'DEL';

/** Container starts through the standard bridge plugin, with our addresses and with host-local's, and the rate through gRPC. */
export const benchIpam: Bench = {
  name: 'ipam',
  description: 'CNI ADD and DEL beside host-local, durable allocations through gRPC, first ping beside Swarm',
  run: async ({ seconds = RATE_S }: BenchSizes): Promise<BenchResult> => {
    const bed = new IpamBed(AT_ONCE);
    try {
      await bed.start();
      return {
        measurements: [
          ...(await measureAlone(bed)),
          ...(await measureAtOnce(bed)),
          await measureRate(bed, seconds),
          ...(await measurePings()),
        ],
      };
    } finally {
      await bed.remove();
    }
  },
};

/** Rounds of both sides in turn, so that whatever else runs on the machine disturbs both alike. */
async function measureAlone(bed: IpamBed): Promise<readonly Measurement[]> {
  const [container = ''] = bed.containers;
  const times: Record<IpamPlugin, Record<Command, number[]>> = {
    'overlay-ipam': { ADD: [], DEL: [] },
    'host-local': { ADD: [], DEL: [] },
  };
  for (let round = 0; round <= ALONE_ROUNDS; round += 1) {
    for (const ipam of ['overlay-ipam', 'host-local'] as const) {
      for (const command of ['ADD', 'DEL'] as const) {
        const tookMs = await bed.call(ipam, command, container);
        // The first round makes the bridges.
        if (round > 0) times[ipam][command].push(tookMs);
      }
    }
  }
  return (['ADD', 'DEL'] as const).flatMap((command) =>
    [50, 95].map((percent): Measurement => {
      const counterpart = percentile(times['host-local'][command], percent);
      return {
        what: `CNI ${command} alone, p${percent}`,
        unit: 'ms',
        better: 'lower',
        product: percentile(times['overlay-ipam'][command], percent),
        counterpart: { name: 'bridge + host-local', figure: counterpart },
        ...(command === 'ADD' && percent === 50 ? { goal: 1.5 * counterpart } : {}),
      };
    }),
  );
}

async function measureAtOnce(bed: IpamBed): Promise<readonly Measurement[]> {
  const product: Bursts[] = [];
  const counterpart: Bursts[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    product.push(await burst(bed, 'overlay-ipam'));
    counterpart.push(await burst(bed, 'host-local'));
  }
  return (['ADD', 'DEL'] as const).flatMap((command) => {
    const row = (what: string, of: (times: Burst) => number): Measurement => ({
      what: `CNI ${command}, ${AT_ONCE} at once, ${what}`,
      unit: 'ms',
      better: 'lower',
      product: medianOf(product.map((bursts) => of(bursts[command]))),
      counterpart: {
        name: 'bridge + host-local',
        figure: medianOf(counterpart.map((bursts) => of(bursts[command]))),
      },
    });
    const total = row('in total', ({ totalMs }) => totalMs);
    return [
      row('p50', ({ eachMs }) => percentile(eachMs, 50)),
      row('p95', ({ eachMs }) => percentile(eachMs, 95)),
      command === 'ADD' ? { ...total, goal: total.counterpart.figure } : total,
    ];
  });
}

interface Burst {
  readonly totalMs: number;
  readonly eachMs: readonly number[];
}

type Bursts = Readonly<Record<Command, Burst>>;

async function burst(bed: IpamBed, ipam: IpamPlugin): Promise<Bursts> {
  const all = async (command: Command): Promise<Burst> => {
    const startMs = performance.now();
    const eachMs = await Promise.all(bed.containers.map((container) => bed.call(ipam, command, container)));
    return { totalMs: performance.now() - startMs, eachMs };
  };
  const added = await all('ADD');
  return { ADD: added, DEL: await all('DEL') };
}

async function measureRate(bed: IpamBed, seconds: number): Promise<Measurement> {
  const load = { network: bed.network, inFlight: IN_FLIGHT, durationMs: seconds * 1000 };
  const product: number[] = [];
  const bare: number[] = [];
  const commits: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    product.push(await pairsPerSecond({ ...load, socket: bed.grpcSocket }));
    bare.push(await barePairsPerSecond(bed.folder, load));
    commits.push(await commitsPerSecond(bed.folder, IN_FLIGHT, COMMITS_MS));
  }
  return {
    what: `allocate and release through gRPC, durable, ${IN_FLIGHT} in flight`,
    unit: 'pairs/s',
    better: 'higher',
    product: medianOf(product),
    counterpart: { name: 'a gRPC server that keeps nothing', figure: medianOf(bare) },
    goal: 5000,
    // A pair is two calls, each in one commit.
    limit: { name: `LMDB commits of ${IN_FLIGHT} calls`, figure: (medianOf(commits) * IN_FLIGHT) / 2 },
  };
}

/** From the start of a container to the first answer from a container on another host. */
async function measurePings(): Promise<readonly Measurement[]> {
  const { cni, docker, swarm, swarmCold } = await measureFirstPings(PING_ROUNDS);
  const row = (what: string, product: number, name: string, figure: number, goal?: number): Measurement => ({
    what: `first ping across hosts, ${what}, p50`,
    unit: 'ms',
    better: 'lower',
    product,
    counterpart: { name, figure },
    ...(goal === undefined ? {} : { goal }),
  });
  return [
    row('docker run', docker, 'docker run on Swarm’s overlay, in use on the host', swarm, swarm),
    row('docker run', docker, 'docker run on Swarm’s overlay, new to the host', swarmCold),
    row('namespace and CNI plugins', cni, 'docker run on Swarm’s overlay, in use on the host', swarm),
  ];
}

/** The value that so many per cent of the values do not exceed (nearest rank). */
function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
