import { join } from 'node:path';
import type { MasterState } from '@overlay/testbed';
import { ROOT } from '../places.js';
import type { CheckedCluster } from './check.js';
import { MASTERS, masterGrpc, masterHttp } from './published.js';
import { outputOf, wrong } from './require.js';

/** What a call through a gRPC client in another language came to. */
export interface ForeignAnswer {
  /** The answer; undefined for a failure. */
  readonly body: unknown;
  /** What the client printed about a failure, trailers included; empty otherwise. */
  readonly failure: string;
}

/** Calls a method with `buf curl`, which knows of our services only what server reflection tells it. */
export async function callForeign(
  { stack, folder }: CheckedCluster,
  master: number,
  method: string,
  request: unknown,
): Promise<ForeignAnswer> {
  const buf = join(ROOT, 'node_modules/.bin/buf');
  // Run from a folder without a buf.yaml, or buf looks for the services there.
  const argv = [
    'env',
    '--chdir',
    folder,
    buf,
    'curl',
    '--protocol',
    'grpc',
    '--http2-prior-knowledge',
    '--verbose',
  ];
  const url = `http://${masterGrpc(master)}/${method}`;
  const { exitCode, stdout, stderr } = await stack.outside([...argv, '--data', JSON.stringify(request), url]);
  return exitCode === 0 ? { body: JSON.parse(stdout), failure: '' } : { body: undefined, failure: stderr };
}

/** The answer of a call that has to succeed. */
export async function askForeign(
  cluster: CheckedCluster,
  master: number,
  method: string,
  request: unknown = {},
): Promise<unknown> {
  const { body, failure } = await callForeign(cluster, master, method, request);
  if (failure === '') return body;
  throw wrong(`${method} on master-${master}: ${failure.trim().split('\n').slice(-6).join(' ')}`);
}

/** The body of an HTTP answer with a status below 400. */
export async function fetchText(
  { stack }: CheckedCluster,
  url: string,
  args: readonly string[] = [],
): Promise<string> {
  const curl = ['curl', '--silent', '--show-error', '--fail-with-body', '--max-time', '10', '--noproxy', '*'];
  return outputOf(`curl ${url}`, await stack.outside([...curl, ...args, url]));
}

/** The cluster's state as a master tells it. */
export async function fetchState(cluster: CheckedCluster, master: number): Promise<MasterState> {
  return JSON.parse(await fetchText(cluster, `${masterHttp(master)}/overlay-master/state`)) as MasterState;
}

/** The masters that run, and which of them leads. @throws if not exactly one does. */
export async function findLeader(
  cluster: CheckedCluster,
): Promise<{ readonly leader: number; readonly followers: readonly number[] }> {
  const containers = await cluster.stack.containers();
  const running = MASTERS.filter((master) => containers.get(`master-${master}`)?.state === 'running');
  const leads = await Promise.all(
    running.map(async (master) => {
      const metrics = await fetchText(cluster, `${masterHttp(master)}/metrics`);
      return /^overlay_master_leader(?:\{[^}]*\})? 1$/m.test(metrics);
    }),
  );
  const leaders = running.filter((_, index) => leads[index] === true);
  const [leader] = leaders;
  if (leader === undefined || leaders.length > 1) throw wrong(`${leaders.length} masters say that they lead`);
  return { leader, followers: running.filter((master) => master !== leader) };
}

/** Every rule of the overlay log, checked from a master's container. @returns what the program says. */
export async function verifyLog(cluster: CheckedCluster): Promise<string> {
  const containers = await cluster.stack.containers();
  const master = MASTERS.find((number) => containers.get(`master-${number}`)?.state === 'running');
  const command = ['overlayctl', '--json', 'log', 'verify', '--config', '/etc/overlay/master.yaml'];
  const result = await cluster.stack.exec(`master-${master}`, command, { timeoutMs: 60_000 });
  const { agents } = JSON.parse(outputOf('overlayctl log verify', result)) as { readonly agents: unknown };
  return `log right, ${JSON.stringify(agents)} agents`;
}
