import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { type CommandResult, runCommand } from '@overlay/testbed';

// Images are built here if nobody has built them before; each step has a limit of its own below.
jest.setTimeout(900_000);

const CLUSTER = join(resolve('.'), 'tools/cluster/dist/main.js');
const NAME = `spec-${process.pid}`;
const OWN = `overlay-cluster-${NAME}`;

const cluster = (command: string, timeoutMs: number, ...args: readonly string[]): Promise<CommandResult> =>
  runCommand([process.execPath, CLUSTER, command, '--name', NAME, ...args], { timeoutMs });

const names = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** What the cluster may have left: everything of it has its name, but for what an engine makes with names of its own. */
function remains(): readonly string[] {
  const interfaces = names('/sys/class/net').filter((name) => /^(?:br-|docker|veth)/.test(name));
  const named = ['/run', '/run/netns', join(resolve('.'), '.cluster')].flatMap((folder) =>
    names(folder)
      .filter((name) => [OWN, NAME].includes(name))
      .map((name) => join(folder, name)),
  );
  const groups = ['', ...names('/sys/fs/cgroup')]
    .map((hierarchy) => join('/sys/fs/cgroup', hierarchy))
    .filter((folder) => names(folder).includes(OWN));
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(OWN) || line.includes(`/.cluster/${NAME}/`));
  const processes = names('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .map((pid) => commandOf(pid))
    .filter((command) => command.includes(`/${OWN}/`));
  return [...interfaces, ...named, ...groups, ...mounts, ...processes];
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it ended meanwhile
  }
}

const rules = async (): Promise<string> => (await runCommand(['nft', 'list', 'ruleset'])).stdout;

describe('the compose cluster', () => {
  afterAll(() => cluster('down', 120_000), 120_000);

  it('comes up, passes every check from the outside, and leaves nothing behind', async () => {
    const before = { remains: remains(), rules: await rules() };
    const up = await cluster('up', 420_000, '--own-engine');
    expect(up).toMatchObject({ exitCode: 0 });
    expect(up.stdout).toMatch(/up after \d+ s/);

    const test = await cluster('test', 600_000);
    expect(test.stdout).toMatch(/ passed, 0 failed/);
    expect(test.exitCode).toBe(0);

    expect(await cluster('down', 120_000)).toMatchObject({ exitCode: 0 });
    expect(remains()).toEqual(before.remains);
    expect(await rules()).toBe(before.rules);
    const again = await cluster('down', 120_000);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain('there is no cluster');
  });

  it.each([
    [['up', '--hosts', '1'], '--hosts'],
    [['up', '--hosts', 'many'], '--hosts'],
    [['up', '--name', '../elsewhere'], '--name'],
    [['test', '--name', 'nowhere'], 'npm run cluster -- up'],
    [['logs', '--name', 'nowhere'], 'npm run cluster -- up'],
  ])('refuses %s', async (args, word) => {
    const outcome = await runCommand([process.execPath, CLUSTER, ...args]);
    expect(outcome.exitCode).not.toBe(0);
    expect(outcome.stderr).toContain(word);
  });
});
