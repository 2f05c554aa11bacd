import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';
import { runCommand, runOrFail } from '@overlay/testbed';
import type { ClusterPlaces } from '../places.js';
import { removeControlGroup } from './control-group.js';
import { answers, createEngine, type Engine } from './engine.js';
import { listProcessesNaming, unmountBelow } from './leftovers.js';

/**
 * Where an own engine runs. `building`: in the machine's own network, so that builds reach Debian's mirrors, and
 * without any bridge or rule. `running`: in a network namespace of its own, so that nothing of the cluster's
 * networks touches the machine's.
 */
export type EnginePlace = 'building' | 'running';

const START_MS = 60_000;
const STOP_MS = 30_000;

/** The own engine of a cluster, whether it runs or not. */
export function ownEngine(places: ClusterPlaces): Engine {
  return createEngine(socketOf(places), ['nsenter', `--net=${namespaceFile(places)}`]);
}

/**
 * Starts an engine with its own data, sockets and, if it is to run containers, its own network. It outlives this
 * process.
 *
 * @throws OverlayError `permission_denied` for anybody but root, `unavailable` with the engine's last words.
 */
export async function startOwnEngine(places: ClusterPlaces, place: EnginePlace): Promise<Engine> {
  if (process.getuid?.() !== 0) {
    const wayOut = 'start one, or run this as root so that the cluster can have its own';
    throw new OverlayError('permission_denied', `no Docker Engine answers: ${wayOut}`);
  }
  mkdirSync(places.engineData, { recursive: true });
  mkdirSync(places.engineRun, { recursive: true });
  if (place === 'running') await makeNamespace(places);
  await writeFile(configurationOf(places), '{}\n'); // not the machine's
  await writeFile(placeFile(places), place);
  const log = openSync(places.engineLog, 'a');
  const enter = place === 'running' ? ['nsenter', `--net=${namespaceFile(places)}`] : [];
  const [file = '', ...args] = [...enter, 'dockerd', ...engineFlags(places)];
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log] });
  const failed = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('exit', (code) => resolve(`dockerd ended with ${code}`));
  });
  child.unref();
  const engine = ownEngine(places);
  const reason = await Promise.race([failed, awaitAnswer(engine)]);
  if (reason === undefined) return engine;
  const words = readFileSync(places.engineLog, 'utf8').trimEnd().split('\n').slice(-3).join('\n');
  throw new OverlayError(
    'unavailable',
    `the cluster's own Docker Engine does not start: ${reason}\n${words}`,
  );
}

/** Where the own engine of a cluster runs; undefined if it does not answer. */
export async function placeOfOwnEngine(places: ClusterPlaces): Promise<EnginePlace | undefined> {
  if (!(await answers(ownEngine(places)))) return undefined;
  return readText(placeFile(places)) === 'running' ? 'running' : 'building';
}

/** Whether a cluster ever had an own engine that was not removed since. */
export function hasOwnEngine({ engineData, engineRun }: ClusterPlaces): boolean {
  return existsSync(engineData) || existsSync(engineRun);
}

/** Stops the engine and keeps its data. Does nothing if it does not run. */
export async function stopOwnEngine(places: ClusterPlaces): Promise<void> {
  const pid = Number(readText(join(places.engineRun, 'pid')));
  if (Number.isInteger(pid) && pid > 0 && listProcessesNaming(places.engineRun).includes(pid)) {
    process.kill(pid, 'SIGTERM');
  }
  const patience = performance.now() + STOP_MS;
  while (listProcessesNaming(places.engineRun).length > 0 && performance.now() < patience) await sleep(100);
  // Whatever an engine that was killed left: its containerd, and the shims of containers.
  for (const left of listProcessesNaming(places.engineRun)) kill(left);
}

/** Removes everything an own engine ever made: processes, mounts, control groups, its namespace, its files. */
export async function removeOwnEngine(places: ClusterPlaces): Promise<void> {
  await stopOwnEngine(places);
  await removeControlGroup(places.engineName);
  await unmountBelow([places.engineData, places.engineRun]);
  await runCommand(['ip', 'netns', 'delete', places.engineName]); // fails where there is none
  for (const folder of [places.engineData, places.engineRun]) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function engineFlags(places: ClusterPlaces): readonly string[] {
  return [
    ...['--data-root', places.engineData, '--exec-root', join(places.engineRun, 'exec')],
    ...['--host', `unix://${socketOf(places)}`, '--pidfile', join(places.engineRun, 'pid')],
    ...['--group', 'root', '--config-file', configurationOf(places)],
    ...['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
    ...['--cgroup-parent', `/${places.engineName}`, '--exec-opt', 'native.cgroupdriver=cgroupfs'],
    ...['--log-level', 'warn'],
  ];
}

async function makeNamespace({ engineName }: ClusterPlaces): Promise<void> {
  await runCommand(['ip', 'netns', 'add', engineName]); // fails where it is there already, and then the next does not
  await runOrFail(['ip', '-netns', engineName, 'link', 'set', 'lo', 'up']);
}

async function awaitAnswer(engine: Engine): Promise<string | undefined> {
  const patience = performance.now() + START_MS;
  while (performance.now() < patience) {
    if (await answers(engine)) return undefined;
    await sleep(200);
  }
  return `no answer within ${START_MS / 1000} s`;
}

function socketOf({ engineRun }: ClusterPlaces): string {
  return join(engineRun, 'docker.sock');
}

function configurationOf({ engineRun }: ClusterPlaces): string {
  return join(engineRun, 'daemon.json');
}

function placeFile({ engineRun }: ClusterPlaces): string {
  return join(engineRun, 'place');
}

function namespaceFile({ engineName }: ClusterPlaces): string {
  return join('/run/netns', engineName);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended meanwhile
  }
}
