import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { listCgroupProcesses, removeCgroups } from './cgroup-leftovers.js';
import { rootLinkName } from './testbed-name.js';

/** Environment variable that marks every process of a testbed, its descendants included. */
export const TESTBED_MARK = 'OVERLAY_TESTBED';

/** Where iproute2 keeps named namespaces. */
export const NETNS_DIR = '/run/netns';

/**
 * Removes everything of one testbed: processes, links, namespaces and its folder. Synchronous, because it also
 * runs while the process exits; safe to repeat, and what is gone already is no error.
 *
 * @param folder removed with everything in it; left alone when absent.
 * @returns what could not be removed, in words; empty when nothing is left.
 */
export function removeLeftovers(testbed: string, folder?: string): readonly string[] {
  const namespaces = listNamespacesAndAliases(testbed);
  const problems: string[] = killAll(() => listProcesses(testbed)).map(
    (pid) => `process ${pid} does not die`,
  );
  const commands = [
    ...(listRootLinks().includes(rootLinkName(testbed)) ? [`link del ${rootLinkName(testbed)}`] : []),
    ...namespaces.map((name) => `netns del ${name}`),
  ];
  if (commands.length > 0) {
    spawnSync('ip', ['-force', '-batch', '-'], { input: `${commands.join('\n')}\n` });
  }
  problems.push(...listNamespaces(testbed).map((name) => `namespace ${name} is still there`));
  if (listRootLinks().includes(rootLinkName(testbed)))
    problems.push(`link ${rootLinkName(testbed)} is still there`);
  problems.push(...removeCgroups(testbed).map((path) => `control group ${path} is still there`));
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return problems;
}

/** Full names of the namespaces that belong to a testbed. */
function listNamespaces(testbed: string): readonly string[] {
  return listAllNamespaces().filter((name) => name.startsWith(`${testbed}-`));
}

/** The same, and the names that Podman gave to the namespaces of its containers. */
function listNamespacesAndAliases(testbed: string): readonly string[] {
  const identity = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;
  const own = new Set(listNamespaces(testbed).map((name) => identity(join(NETNS_DIR, name))));
  for (const pid of listProcesses(testbed)) own.add(identity(`/proc/${pid}/ns/net`));
  own.delete(identity('/proc/self/ns/net')); // masters are where we are
  own.delete(undefined);
  return listAllNamespaces().filter((name) => own.has(identity(join(NETNS_DIR, name))));
}

/** Full names of all named namespaces of the machine. */
export function listAllNamespaces(): readonly string[] {
  return entries(NETNS_DIR);
}

/** Kills every process that `list` names, again and again until it names none. @returns those that do not die. */
export function killAll(list: () => readonly number[]): readonly number[] {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let left = list();
  for (let round = 0; left.length > 0 && round < 400; round += 1) {
    for (const pid of left) kill(pid);
    Atomics.wait(pause, 0, 0, 5);
    left = list();
  }
  return left;
}

/** Process ids that carry a variable in the environment that they started with; a zombie carries none. */
export function listProcessesWith(variable: string, value: string): readonly number[] {
  const mark = Buffer.from(`${variable}=${value}\0`);
  return entries('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(mark));
}

/** Processes of a testbed: those that carry its mark, and those in its control groups. */
function listProcesses(testbed: string): readonly number[] {
  return [...new Set([...listProcessesWith(TESTBED_MARK, testbed), ...listCgroupProcesses(testbed)])];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended between the listing and the signal
  }
}

function environmentOf(pid: number): Buffer {
  try {
    return readFileSync(`/proc/${pid}/environ`);
  } catch {
    return Buffer.alloc(0);
  }
}

function listRootLinks(): readonly string[] {
  return entries('/sys/class/net');
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
