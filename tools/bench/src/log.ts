import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OverlayLog, openEmbeddedOverlayLog, openEtcdOverlayLog } from '@overlay/overlay-log';
import { EtcdCluster, LoneMaster } from '@overlay/testbed';
import type { Bench, BenchResult, BenchSizes, Measurement } from './bench.js';
import { measureFailover } from './log/failover.js';
import { fillLog } from './log/fill-log.js';
import { rawEtcdPerSecond, rawLmdbPerSecond } from './log/raw-rate.js';
import { measureRecovery, type Recovery } from './log/recovery.js';
import { IN_FLIGHT, type LoadResult } from './log/registration-load.js';
import { bareCallsPerSecond, registrationsPerSecond } from './log/registration-rate.js';
import { SAMPLE_NETWORK } from './log/sample-agents.js';

const AGENTS = [1_000, 100_000];
const RECOVERED = 262_144;
const SECONDS = 5;
const FAILOVERS = 3;
/** A busy machine takes its time to load a large log. */
const READY_MS = 120_000;

/** Half the raw rate is the least that registering should reach. */
const RATE_SHARE = 0.5;
/** As good as flat: the noise of a machine that does other things too. */
const FLAT_SHARE = 0.8;
const RECOVERY_GOAL_MS = 15_000;
const RECOVERY_GOAL_BYTES = 2 ** 30;
const LEASE_MS = 5_000;

interface Rates {
  readonly product: number;
  readonly raw: number;
  /** Calls per second of a gRPC server that does nothing, under the same load. */
  readonly bare: number;
}

/** The overlay log under a master: registrations beside the bare store, recovery, failover. */
export const benchLog: Bench = {
  name: 'log',
  description: 'registrations on etcd and on the embedded log beside the bare store, recovery, failover',
  run: async ({
    agents = AGENTS,
    recovered = RECOVERED,
    seconds = SECONDS,
  }: BenchSizes): Promise<BenchResult> => ({
    measurements: [
      ...(await measureStore('etcd', agents, (present) => etcdRates(present, seconds))),
      ...(await measureStore('embedded', agents, (present) => embeddedRates(present, seconds))),
      ...(await embeddedRecovery(recovered)),
      ...(await etcdRecovery(recovered)),
      await failover(),
    ],
  }),
};

async function measureStore(
  store: string,
  agents: readonly number[],
  ratesAt: (present: number) => Promise<Rates>,
): Promise<readonly Measurement[]> {
  const measured: (Rates & { readonly present: number })[] = [];
  for (const present of agents) measured.push({ present, ...(await ratesAt(present)) });
  const rates = measured.map(
    ({ present, product, raw, bare }): Measurement => ({
      what: `registrations, ${store}, ${present.toLocaleString('en-US')} agents present`,
      unit: '1/s',
      better: 'higher',
      product,
      counterpart: { name: 'bare store, same keys', figure: raw },
      goal: raw * RATE_SHARE,
      limit: { name: 'bare gRPC call', figure: bare },
    }),
  );
  const [few, many] = [measured[0], measured.at(-1)];
  if (few === undefined || many === undefined || few === many) return rates;
  return [...rates, flatness(store, few, many)];
}

function flatness(
  store: string,
  few: Rates & { readonly present: number },
  many: Rates & { readonly present: number },
): Measurement {
  return {
    what: `registrations, ${store}, many agents present beside few`,
    unit: '1/s',
    better: 'higher',
    product: many.product,
    counterpart: { name: `${few.present.toLocaleString('en-US')} agents`, figure: few.product },
    goal: few.product * FLAT_SHARE,
  };
}

async function etcdRates(present: number, seconds: number): Promise<Rates> {
  const etcd = await EtcdCluster.start();
  try {
    const place = { endpoints: etcd.endpoints, prefix: '/overlay/' };
    await fillLog(openEtcdOverlayLog(place), present);
    const log = { dir: undefined, etcd: place };
    const master = await LoneMaster.start({ network: SAMPLE_NETWORK, log }, READY_MS);
    let measured: LoadResult;
    try {
      measured = await registrationsPerSecond(master.grpcAddress, present, seconds);
    } finally {
      await master.close();
    }
    return ratesOf(measured, await rawEtcdPerSecond(etcd.endpoints, seconds), seconds);
  } finally {
    await etcd.close();
  }
}

function embeddedRates(present: number, seconds: number): Promise<Rates> {
  return withFolder(async (dir) => {
    await fillLog(await openEmbeddedOverlayLog({ dir }), present);
    const master = await LoneMaster.start({ network: SAMPLE_NETWORK, log: { dir } }, READY_MS);
    let measured: LoadResult;
    try {
      measured = await registrationsPerSecond(master.grpcAddress, present, seconds);
    } finally {
      await master.close();
    }
    return ratesOf(measured, await rawLmdbPerSecond(dir, IN_FLIGHT, seconds), seconds);
  });
}

async function ratesOf({ perSecond, answerBytes }: LoadResult, raw: number, seconds: number): Promise<Rates> {
  return { product: perSecond, raw, bare: await bareCallsPerSecond(answerBytes, seconds) };
}

function embeddedRecovery(agents: number): Promise<readonly Measurement[]> {
  return withFolder(async (dir) => {
    await fillLog(await openEmbeddedOverlayLog({ dir }), agents);
    const readMs = await readingMs(await openEmbeddedOverlayLog({ dir, readOnly: true }));
    return recoveryRows('embedded', agents, readMs, await measureRecovery({ dir }));
  });
}

async function etcdRecovery(agents: number): Promise<readonly Measurement[]> {
  const etcd = await EtcdCluster.start();
  try {
    const place = { endpoints: etcd.endpoints, prefix: '/overlay/' };
    await fillLog(openEtcdOverlayLog(place), agents);
    const readMs = await readingMs(openEtcdOverlayLog(place));
    return recoveryRows('etcd', agents, readMs, await measureRecovery({ dir: undefined, etcd: place }));
  } finally {
    await etcd.close();
  }
}

function recoveryRows(
  store: string,
  agents: number,
  readMs: number,
  { readyMs, peakBytes }: Recovery,
): readonly Measurement[] {
  const what = `recovery of ${agents.toLocaleString('en-US')} agents, ${store}`;
  const goals = agents === RECOVERED;
  return [
    {
      what: `${what}: process start to ready`,
      unit: 'ms',
      better: 'lower',
      product: readyMs,
      counterpart: { name: 'reading the log alone', figure: readMs },
      ...(goals ? { goal: RECOVERY_GOAL_MS } : {}),
    },
    {
      what: `${what}: peak resident memory`,
      unit: 'bytes',
      better: 'lower',
      product: peakBytes,
      counterpart: { name: 'the goal', figure: RECOVERY_GOAL_BYTES },
      ...(goals ? { goal: RECOVERY_GOAL_BYTES } : {}),
    },
  ];
}

/** Milliseconds to read a whole log; closes it. */
async function readingMs(log: OverlayLog): Promise<number> {
  try {
    const startMs = performance.now();
    let records = 0;
    for await (const batch of (await log.load()).records) records += batch.length;
    return records === 0 ? 0 : performance.now() - startMs;
  } finally {
    await log.close();
  }
}

async function failover(): Promise<Measurement> {
  return {
    what: 'failover: kill -9 of the leader to the first committed registration (3 masters, etcd)',
    unit: 'ms',
    better: 'lower',
    product: await measureFailover(FAILOVERS),
    counterpart: { name: "the leader's lease", figure: LEASE_MS },
  };
}

async function withFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'overlay-bench-log-'));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
