import { existsSync } from 'node:fs';
import { runOrFail, type Testbed } from '@overlay/testbed';

/** What of a testbed is still on the machine: namespaces, links, routes, marked processes, its folder. */
export async function remains(testbed: Pick<Testbed, 'name' | 'folder'>): Promise<readonly string[]> {
  const listings = await Promise.all([
    runOrFail(['ip', 'netns', 'list']),
    runOrFail(['ip', '-brief', 'link']),
    runOrFail(['ip', 'route']),
    runOrFail(['ip', '-6', 'route']),
    runOrFail(['ps', '-e', '-o', 'args']),
  ]);
  const mine = listings.flatMap((text) => text.split('\n')).filter((line) => line.includes(testbed.name));
  return existsSync(testbed.folder) ? [...mine, testbed.folder] : mine;
}
