import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HIERARCHIES = '/sys/fs/cgroup';
const PATIENCE_MS = 10_000;

/**
 * Kills what still runs in the control group of a name (containers of an engine that was killed) and removes the
 * group, in every hierarchy of version 1 and in version 2. Does nothing where there is none.
 */
export async function removeControlGroup(name: string): Promise<void> {
  const roots = [HIERARCHIES, ...subfolders(HIERARCHIES)].map((folder) => join(folder, name));
  const patience = performance.now() + PATIENCE_MS;
  for (const root of roots) {
    while (existsSync(root) && performance.now() < patience) {
      for (const group of groupsBelow(root)) {
        for (const pid of processesOf(group)) killIfThere(pid);
        removeIfEmpty(group);
      }
      if (existsSync(root)) await sleep(100);
    }
  }
}

/** The group and every group in it, the innermost first. */
function groupsBelow(folder: string): readonly string[] {
  return [...subfolders(folder).flatMap(groupsBelow), folder];
}

function subfolders(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}

function processesOf(group: string): readonly number[] {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended meanwhile
  }
}

function removeIfEmpty(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // not empty yet
  }
}
