import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const CGROUP_DIR = '/sys/fs/cgroup';

/**
 * Processes in the control groups of a testbed. Container runtimes put containers there; a container's own processes
 * do not inherit the testbed's mark.
 *
 * @param testbed name of the top-level group, in every hierarchy of cgroup v1 or in the one of v2.
 * @param host only the groups below that host's; all when absent.
 */
export function listCgroupProcesses(testbed: string, host = ''): readonly number[] {
  const pids = listFolders(testbed, host).flatMap((folder) => readProcesses(folder));
  return [...new Set(pids)];
}

/** Removes a testbed's control groups, which must be empty of processes. @returns those that are still there. */
export function removeCgroups(testbed: string, host = ''): readonly string[] {
  const folders = [...listFolders(testbed, host)].reverse(); // children come before their parents
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      // busy for a moment longer, or gone; what stays is told
    }
  }
  return listFolders(testbed, host);
}

/** Every group of the testbed, parents first. */
function listFolders(testbed: string, host: string): readonly string[] {
  return [CGROUP_DIR, ...subfolders(CGROUP_DIR)]
    .map((hierarchy) => join(hierarchy, testbed, host))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => withDescendants(folder));
}

function withDescendants(folder: string): readonly string[] {
  return [folder, ...subfolders(folder).flatMap(withDescendants)];
}

function subfolders(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name));
  } catch {
    return [];
  }
}

function readProcesses(folder: string): readonly number[] {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
