import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { type CommandResult, runCommand } from '@overlay/testbed';

// Images are built here if nobody has built them before. Every command has a limit of its own, which ends it: jest's is
// more than all of them together, so that nothing runs on beside the cleanup.
const UP_MS = 600_000;
const TEST_MS = 1_800_000;
const DOWN_MS = 180_000;
jest.setTimeout(2 * UP_MS + TEST_MS + 2 * DOWN_MS + 60_000);

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
  const named = ['/run', '/run/netns', '/dev/shm', join(resolve('.'), '.cluster')].flatMap((folder) =>
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

/** Without counters: whatever else runs on this machine goes on. */
const rules = async (): Promise<string> =>
  (await runCommand(['nft', '--stateless', 'list', 'ruleset'])).stdout;

/** Interrupts `up` as a terminal does, once it has said something; then it ends. */
async function interruptUp(words: string): Promise<void> {
  const up = spawn(process.execPath, [CLUSTER, 'up', '--name', NAME, '--own-engine'], {
    detached: true, // a process group of its own
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const closed = once(up, 'close');
  const late = setTimeout(() => interrupt(up), UP_MS);
  let said = '';
  for await (const chunk of up.stdout) {
    const before = said;
    said += String(chunk);
    if (said.includes(words) && !before.includes(words)) interrupt(up);
  }
  await closed;
  clearTimeout(late);
  expect(said).toContain(words);
}

function interrupt({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGINT');
}

describe('the compose cluster', () => {
  afterAll(() => cluster('down', DOWN_MS), DOWN_MS + 10_000);

  it('comes up, passes every check from the outside, and leaves nothing behind', async () => {
    const before = { remains: remains(), rules: await rules() };
    for (const time of ['first', 'second']) {
      const up = await cluster('up', UP_MS, '--own-engine');
      expect({ time, ...up }).toMatchObject({ time, exitCode: 0 });
      expect(up.stdout).toMatch(/up after \d+ s/);
    }

    const test = await cluster('test', TEST_MS);
    expect(test.stdout).toMatch(/ passed, 0 failed/);
    expect(test.exitCode).toBe(0);

    expect(await cluster('down', DOWN_MS)).toMatchObject({ exitCode: 0 });
    expect(remains()).toEqual(before.remains);
    expect(await rules()).toBe(before.rules);
    const again = await cluster('down', DOWN_MS);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain('there is no cluster');
  });

  it('is removed as a whole after an up that was interrupted', async () => {
    const before = remains();
    await interruptUp('is started in its own network');
    expect(remains()).not.toEqual(before);
    expect(await cluster('down', DOWN_MS)).toMatchObject({ exitCode: 0 });
    expect(remains()).toEqual(before);
  });

  it.each([
    { args: [], code: 2, word: 'Usage' },
    { args: ['start'], code: 2, word: 'Usage' },
    { args: ['up', '--hosts', '1'], code: 2, word: '--hosts' },
    { args: ['up', '--hosts', 'many'], code: 2, word: '--hosts' },
    { args: ['up', '--name', '../elsewhere'], code: 2, word: '--name' },
    { args: ['test', 'agent-1'], code: 2, word: 'Usage' },
    { args: ['test', '--name', 'nowhere'], code: 1, word: 'npm run cluster -- up' },
    { args: ['logs', '--name', 'nowhere'], code: 1, word: 'npm run cluster -- up' },
  ])('refuses $args', async ({ args, code, word }) => {
    const outcome = await runCommand([process.execPath, CLUSTER, ...args]);
    expect(outcome.exitCode).toBe(code);
    expect(outcome.stderr).toContain(word);
  });
});
