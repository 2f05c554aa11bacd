import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type CommandResult, type MasterState, runCommand } from '@overlay/testbed';

jest.setTimeout(200_000);

const DEMO = join(resolve('.'), 'tools/demo/dist/main.js');

/** What the demo promises to print with `--json`. */
interface Report {
  readonly ok: boolean;
  readonly hosts: readonly { readonly ipv4: string }[];
  readonly containers: readonly { readonly name: string; readonly runtime: string }[];
  readonly checks: readonly {
    readonly from: string;
    readonly to: string;
    readonly family: string;
    readonly ok: boolean;
    readonly ms: number;
  }[];
  readonly failover?: {
    readonly killed: string;
    readonly leader: string;
    readonly joined: string;
    readonly registrationMs: number;
    readonly agentsKept: number;
    readonly checks: Report['checks'];
  };
  readonly places?: { readonly state: string };
  readonly stop?: string;
  readonly logs?: string;
}

const demo = (...args: readonly string[]): Promise<CommandResult> =>
  runCommand([process.execPath, DEMO, ...args], { timeoutMs: 180_000 });

function reportOf({ stdout }: CommandResult): Report {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Report;
}

/** Names in a folder; nothing if there is none. */
function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Everything that a testbed makes outside its own namespaces: `ov<pid>-<slot>` marks it wherever it shows. */
function testbedRemains(): ReadonlySet<string> {
  const isOurs = (name: string): boolean => /^ov\d/.test(name);
  const found = ['/run/netns', '/sys/class/net', '/sys/fs/cgroup/pids', '/sys/fs/cgroup', '/tmp'].flatMap(
    (folder) =>
      names(folder)
        .filter(isOurs)
        .map((name) => join(folder, name)),
  );
  const marks = names('/proc').flatMap((pid) => {
    const mark = /OVERLAY_TESTBED=([^\0]*)/.exec(environmentOf(pid))?.[1];
    return mark === undefined ? [] : [`process of ${mark}`];
  });
  return new Set([...found, ...marks]);
}

function environmentOf(pid: string): string {
  if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return '';
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

/** Whose owner has ended, and which were not there before: other testbeds may come and go at the same time. */
function leftSince(before: ReadonlySet<string>): readonly string[] {
  return [...testbedRemains()].filter((name) => {
    const owner = /ov(\d+)/.exec(name)?.[1] ?? '';
    return !before.has(name) && !names('/proc').includes(owner);
  });
}

/** What is there of one testbed. */
function remainsOf(testbed: string): readonly string[] {
  return [...testbedRemains()].filter((name) => name.includes(testbed));
}

/** Other demos on this machine are none of this spec's business. */
const NAME = `spec-${process.pid}`;

describe('the demo', () => {
  let kept: Report | undefined;

  afterEach(async () => {
    if (kept === undefined) return;
    await demo('--stop', '--name', NAME);
    if (kept.logs !== undefined) rmSync(kept.logs, { recursive: true, force: true });
  });

  it('proves every path over both families and leaves nothing behind', async () => {
    const before = testbedRemains();
    const outcome = await demo('--json', '--hosts', '2');
    const report = reportOf(outcome);
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(report.ok).toBe(true);
    expect(report.hosts).toHaveLength(2);
    expect(report.containers.length).toBeGreaterThanOrEqual(2 * 2 * 2); // hosts, networks, halves
    const runtimes = new Set(report.containers.map(({ runtime }) => runtime));
    expect(runtimes).toEqual(new Set(['cni', 'podman', 'docker']));
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(new Set(report.checks.map(({ family }) => family))).toEqual(new Set(['ipv4', 'ipv6']));
    expect(report.checks.some(({ to }) => to === 'outside')).toBe(true);
    for (const { from, to, ms } of report.checks)
      expect([typeof from, typeof to, typeof ms]).toEqual(['string', 'string', 'number']);
    expect(leftSince(before)).toEqual([]);
  });

  it('leaves everything running if told to, and stops it as it says', async () => {
    const outcome = await demo('--keep', '--json', '--hosts', '3', '--name', NAME);
    const report = reportOf(outcome);
    kept = report;
    expect(outcome).toMatchObject({ exitCode: 0 });
    const testbed = report.logs?.split('/').at(-1) ?? '';
    expect(remainsOf(testbed).length).toBeGreaterThan(3);

    const state = await runCommand(['curl', '--silent', '--fail', report.places?.state ?? '']);
    const { agents = [] } = JSON.parse(state.stdout) as MasterState;
    expect(agents.map(({ ip }) => ip).sort()).toEqual(report.hosts.map(({ ipv4 }) => ipv4).sort());
    for (const { overlays = [] } of agents) {
      expect(overlays.map((overlay) => [overlay.info.name, overlay.state?.status])).toEqual([
        ['dcos', 'STATUS_OK'],
        ['dcos6', 'STATUS_OK'],
      ]);
    }

    expect(report.stop).toBe(`npm run demo -- --stop --name ${NAME}`);
    expect((await demo('--stop', '--name', NAME)).exitCode).toBe(0);
    kept = undefined;
    expect(remainsOf(testbed)).toEqual([]);
  });

  it('survives the death of the leading master on etcd and leaves nothing behind', async () => {
    const before = testbedRemains();
    const flags = ['--log', 'etcd', '--masters', '3', '--kill-leader', '--hosts', '2'];
    const outcome = await demo('--json', ...flags);
    const { ok, failover, checks } = reportOf(outcome);
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(ok).toBe(true);
    expect(failover).toMatchObject({ joined: 'h3', agentsKept: 2 });
    expect(failover?.leader).not.toBe(failover?.killed);
    expect(failover?.registrationMs).toBeGreaterThan(0);
    expect(failover?.checks.length).toBeGreaterThan(checks.length);
    expect(failover?.checks.filter((check) => !check.ok)).toEqual([]);
    expect(leftSince(before)).toEqual([]);
  });

  it.each([
    [['--masters', '3'], '--log etcd'],
    [['--kill-leader', '--log', 'etcd'], '--masters 3'],
    [['--log', 'paper'], 'etcd'],
    [['--masters', '6'], '--masters'],
    [['--bogus'], '--bogus'],
    [['extra'], 'arguments'],
  ])('refuses %s', async (flags, word) => {
    const outcome = await demo(...flags);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain(word);
  });

  it('refuses a number of hosts that it cannot make', async () => {
    for (const hosts of ['0', '-1', 'many', '1.5', '1000']) {
      const outcome = await demo('--hosts', hosts);
      expect(outcome.exitCode).toBe(2);
      expect(outcome.stderr).toContain('--hosts');
    }
  });
});
