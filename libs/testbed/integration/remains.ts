import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrFail, type Testbed } from '@overlay/testbed';

const CGROUPS = '/sys/fs/cgroup';

/** What of a testbed is still on the machine: namespaces, links, routes, processes, mounts, control groups, its folder. */
export async function remains(testbed: Pick<Testbed, 'name' | 'folder'>): Promise<readonly string[]> {
  const listings = await Promise.all([
    runOrFail(['ip', 'netns', 'list']),
    runOrFail(['ip', '-brief', 'link']),
    runOrFail(['ip', 'route']),
    runOrFail(['ip', '-6', 'route']),
    runOrFail(['ps', '-e', '-o', 'args']),
  ]);
  const texts = [...listings, readFileSync('/proc/self/mounts', 'utf8')];
  const mine = texts.flatMap((text) => text.split('\n')).filter((line) => line.includes(testbed.name));
  const groups = ['', ...readdirSync(CGROUPS)].map((hierarchy) => join(CGROUPS, hierarchy, testbed.name));
  const paths = [...groups, testbed.folder].filter((path) => existsSync(path));
  return [...mine, ...marked(testbed.name), ...paths];
}

/** Also those whose command line does not tell, such as the shims of a container runtime. */
function marked(name: string): readonly string[] {
  return readdirSync('/proc')
    .filter((pid) => /^[0-9]+$/.test(pid) && environmentOf(pid).includes(`OVERLAY_TESTBED=${name}\0`))
    .map((pid) => `process ${pid} ${name}`);
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}
