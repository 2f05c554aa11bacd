import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, BenchResult, Measurement } from './bench.js';
import { IpamBed, type IpamPlugin } from './ipam-bed.js';

const ALONE_ROUNDS = 15;
const AT_ONCE = 100;
const IN_FLIGHT = 64;
const RATE_MS = 4000;
const WARM_UP_MS = 1500;
/** Of a pair through gRPC, one small file's write and flush stands beside it. */
const RECORD = Buffer.alloc(300, 'x');

type Command = 'ADD' | 'DEL';

/** Container starts through the standard bridge plugin, with our addresses and with host-local's, and the rate through gRPC. */
export const benchIpam: Bench = {
  name: 'ipam',
  description: 'CNI ADD and DEL beside host-local, alone and 100 at once; durable allocations through gRPC',
  run: async (): Promise<BenchResult> => {
    const bed = new IpamBed(AT_ONCE);
    try {
      await bed.start();
      return {
        measurements: [...(await measureAlone(bed)), ...(await measureAtOnce(bed)), await measureRate(bed)],
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
  const product = await burst(bed, 'overlay-ipam');
  const counterpart = await burst(bed, 'host-local');
  return (['ADD', 'DEL'] as const).flatMap((command) => {
    const row = (what: string, of: (times: Burst) => number): Measurement => ({
      what: `CNI ${command}, ${AT_ONCE} at once, ${what}`,
      unit: 'ms',
      better: 'lower',
      product: of(product[command]),
      counterpart: { name: 'bridge + host-local', figure: of(counterpart[command]) },
    });
    const total = row('in total', ({ totalMs }) => totalMs);
    return [
      row('p50', ({ eachMs }) => percentile(eachMs, 50)),
      row('p95', ({ eachMs }) => percentile(eachMs, 95)),
      { ...total, goal: total.counterpart.figure },
    ];
  });
}

interface Burst {
  readonly totalMs: number;
  readonly eachMs: readonly number[];
}

async function burst(bed: IpamBed, ipam: IpamPlugin): Promise<Readonly<Record<Command, Burst>>> {
  const all = async (command: Command): Promise<Burst> => {
    const startMs = performance.now();
    const eachMs = await Promise.all(bed.containers.map((container) => bed.call(ipam, command, container)));
    return { totalMs: performance.now() - startMs, eachMs };
  };
  const added = await all('ADD');
  return { ADD: added, DEL: await all('DEL') };
}

async function measureRate(bed: IpamBed): Promise<Measurement> {
  await pairsPerSecond(bed, WARM_UP_MS);
  return {
    what: `allocate and release through gRPC, durable, ${IN_FLIGHT} in flight`,
    unit: 'pairs/s',
    better: 'higher',
    product: await pairsPerSecond(bed, RATE_MS),
    counterpart: { name: 'write, flush and remove a file', figure: filesPerSecond(bed.folder, WARM_UP_MS) },
    goal: 5000,
  };
}

async function pairsPerSecond(bed: IpamBed, durationMs: number): Promise<number> {
  const startMs = performance.now();
  let pairs = 0;
  const caller = async (_: unknown, number: number) => {
    while (performance.now() - startMs < durationMs) {
      await bed.allocateAndRelease(`caller-${number}`);
      pairs += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  return (pairs * 1000) / (performance.now() - startMs);
}

function filesPerSecond(folder: string, durationMs: number): number {
  const startMs = performance.now();
  let files = 0;
  while (performance.now() - startMs < durationMs) {
    const path = join(folder, 'record');
    const file = openSync(path, 'w');
    writeSync(file, RECORD);
    fsyncSync(file);
    closeSync(file);
    rmSync(path);
    files += 1;
  }
  return (files * 1000) / (performance.now() - startMs);
}

/** The value that so many per cent of the values do not exceed (nearest rank). */
function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
