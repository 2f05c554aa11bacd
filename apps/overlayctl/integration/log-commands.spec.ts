import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { lstat, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MasterServiceService, NetworkServiceService } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { openEmbeddedOverlayLog } from '@overlay/overlay-log';
import { createRpcClient } from '@overlay/rpc';
import { type Configuration, EtcdCluster, LoneMaster } from '@overlay/testbed';
import { largeExport } from './large-export.js';
import { killOverlayctl, runOverlayctl } from './run-overlayctl.js';

const NETWORK: Configuration = {
  vtep_subnet: '44.128.0.0/20',
  vtep_subnet6: 'fd01:a::/64',
  overlays: [
    { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24 },
    { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80 },
  ],
};
const AGENTS = 30;

let etcd: EtcdCluster;
let folder: string;
let prefixes = 0;
/** Where etcd stood before an import. */
let etcdRevision = 0n;
const masters: LoneMaster[] = [];

beforeAll(async () => {
  etcd = await EtcdCluster.start();
}, 30_000);
afterAll(() => etcd?.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'overlayctl-log-'));
});
afterEach(async () => {
  await Promise.all(masters.splice(0).map((master) => master.close()));
  await rm(folder, { recursive: true, force: true });
});

/** Where a log of a kind stands, as the block `log` of a master's configuration. */
function newLog(kind: string): Configuration {
  prefixes += 1;
  return kind === 'embedded'
    ? { dir: join(folder, `log-${prefixes}`) }
    : { dir: undefined, etcd: { endpoints: etcd.endpoints, prefix: `/overlayctl-${prefixes}/` } };
}

async function startMaster(log: Configuration): Promise<LoneMaster> {
  const master = await LoneMaster.start({ network: NETWORK, log });
  masters.push(master);
  return master;
}

/** A configuration file that names the log and nothing else. */
async function configFor(log: Configuration): Promise<string> {
  const file = join(folder, 'master.json');
  await writeFile(file, JSON.stringify({ log }));
  return file;
}

/** Registers agents, and deletes one of them. */
async function populate(master: LoneMaster): Promise<void> {
  const agents = createRpcClient(MasterServiceService, { target: master.grpcAddress });
  const operator = createRpcClient(NetworkServiceService, { target: master.grpcAddress });
  try {
    const register = (index: number) =>
      agents.registerAgent({
        nodeId: `node-${index}`,
        ip: `10.7.0.${index}`,
        networkConfig: undefined,
        attributes: { zone: 'a' },
      });
    await Promise.all(Array.from({ length: AGENTS }, (_, index) => register(index + 1)));
    await operator.deleteAgents({ ips: ['10.7.0.7'], force: true });
  } finally {
    agents.close();
    operator.close();
  }
}

async function stateOf(master: LoneMaster): Promise<unknown> {
  const response = await fetch(`${master.httpUrl}/overlay-master/state`);
  const state = (await response.json()) as { readonly agents: readonly { readonly ip: string }[] };
  return { ...state, agents: state.agents.toSorted((a, b) => (a.ip < b.ip ? -1 : 1)) };
}

describe.each(['embedded', 'etcd'])('overlayctl log with the log in %s', (kind) => {
  it('brings a log from a running master to another that serves the same state', async () => {
    const log = newLog(kind);
    const master = await startMaster(log);
    await populate(master);
    const before = await stateOf(master);
    const config = await configFor(log);
    const verified = await runOverlayctl(['log', 'verify', '--json', '--config', config]);
    expect(verified).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(verified.stdout)).toMatchObject({
      ok: true,
      networks: 2,
      agents: AGENTS - 1,
      former_agents: 1,
      problems: [],
    });
    const file = join(folder, 'export.jsonl');
    const exported = await runOverlayctl(['log', 'export', file, '--config', config]);
    expect(exported).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const inUse = await runOverlayctl(['log', 'import', file, '--config', config]);
    expect(inUse).toMatchObject({ exitCode: 1, stdout: '' });
    expect(inUse.stderr).toContain('not empty');
    await populate(master);

    const copy = newLog(kind);
    const imported = await runOverlayctl(['log', 'import', file, '--config', await configFor(copy)]);
    expect(imported).toMatchObject({ exitCode: 0, stderr: '' });
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(imported.stdout).toContain(`imported ${lines.length - 1} records`);
    const again = await runOverlayctl(['log', 'import', file, '--config', await configFor(copy)]);
    expect(again).toMatchObject({ exitCode: 1, stdout: '' });
    expect(again.stderr).toContain('not empty');
    const streamed = await runOverlayctl(['log', 'export', '-', '--config', await configFor(copy)]);
    expect(streamed.stdout.split('\n').slice(1, -1)).toEqual(lines.slice(1));

    const other = await startMaster(copy);
    expect(await stateOf(other)).toEqual(before);
  }, 60_000);

  it('refuses a file with a corrupt line, by its number, and leaves the log empty', async () => {
    const log = newLog(kind);
    await startMaster(log);
    const file = join(folder, 'export.jsonl');
    await runOverlayctl(['log', 'export', file, '--config', await configFor(log)]);
    const lines = (await readFile(file, 'utf8')).split('\n');
    const broken = join(folder, 'broken.jsonl');
    await writeFile(broken, lines.with(2, '{"key":"network/x"').join('\n'));
    const copy = await configFor(newLog(kind));
    const refused = await runOverlayctl(['log', 'import', broken, '--config', copy]);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain('line 3 of the export');
    const whole = await runOverlayctl(['log', 'import', '--json', file, '--config', copy]);
    expect(whole).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(whole.stdout)).toMatchObject({ records: 3 });
  }, 60_000);
});

/** Whether an import has committed something. */
async function writtenTo({ dir }: Configuration): Promise<boolean> {
  if (dir === undefined) return (await etcd.revision()) > etcdRevision + 20n;
  try {
    const log = await openEmbeddedOverlayLog({ dir: String(dir), readOnly: true });
    const { revision } = await log.load();
    await log.close();
    return revision > 0n;
  } catch (thrown) {
    if (!(thrown instanceof OverlayError)) throw thrown;
    return false; // the file is being made
  }
}

describe.each(['embedded', 'etcd'])('overlayctl log import into %s that is killed midway', (kind) => {
  it('leaves a log that every master refuses and the next import replaces', async () => {
    const file = join(folder, 'large.jsonl');
    await writeFile(file, largeExport(20_000));
    const log = newLog(kind);
    const config = await configFor(log);
    etcdRevision = await etcd.revision();
    const importing = ['log', 'import', file, '--config', config];
    expect(await killOverlayctl(importing, () => writtenTo(log))).toBe('SIGKILL');
    const verified = await runOverlayctl(['log', 'verify', '--json', '--config', config]);
    expect(verified.exitCode).toBe(1);
    const { ok, agents } = JSON.parse(verified.stdout) as { readonly ok: boolean; readonly agents: number };
    expect(ok).toBe(false);
    expect(agents).toBeLessThan(20_000);
    await expect(startMaster(log)).rejects.toThrow('repeat "overlayctl log import"');
    const repeated = await runOverlayctl([...importing, '--json']);
    expect(repeated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(repeated.stdout)).toMatchObject({ records: 60_001 });
    expect(JSON.parse(repeated.stdout)).not.toMatchObject({ replaced: 0 });
    const whole = await runOverlayctl(['log', 'verify', '--json', '--config', config]);
    expect(JSON.parse(whole.stdout)).toMatchObject({ ok: true, agents: 20_000, problems: [] });
  }, 60_000);
});

describe('overlayctl log', () => {
  it('names an entry of etcd that breaks a rule, and one that cannot be read', async () => {
    const log = newLog('etcd');
    const { prefix } = log.etcd as { readonly prefix: string };
    await populate(await startMaster(log));
    const config = await configFor(log);
    const key = `${prefix}node/node-3`;
    const node = (await etcd.etcdctl('get', key, '--print-value-only')).trim();
    await etcd.put(key, node.replace(/"vtepMac":"[^"]+"/, '"vtepMac":"70:b3:d5:00:00:00"'));
    const found = await runOverlayctl(['log', 'verify', '--json', '--config', config]);
    expect(found.exitCode).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({
      ok: false,
      problems: [{ key: 'node/node-3', rule: 'vtep-mac' }],
    });
    expect((await runOverlayctl(['log', 'verify', '--config', config])).stdout).toMatch(
      /^node\/node-3 +vtep-mac /m,
    );
    await etcd.put(key, '{"id":');
    const unreadable = await runOverlayctl(['log', 'verify', '--config', config]);
    expect(unreadable).toMatchObject({ exitCode: 1, stdout: '' });
    expect(unreadable.stderr).toContain('node/node-3');
  }, 60_000);

  it('does not create the log that it was to look at', async () => {
    const dir = join(folder, 'nowhere');
    const run = await runOverlayctl(['log', 'verify', '--config', await configFor({ dir })]);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain(dir);
    await expect(stat(dir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps the old export when it cannot make a new one', async () => {
    const file = join(folder, 'export.jsonl');
    await writeFile(file, 'the old one');
    const config = await configFor({ etcd: { endpoints: ['http://127.0.0.1:1'], prefix: '/overlay/' } });
    const run = await runOverlayctl(['log', 'export', file, '--config', config]);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain('127.0.0.1:1');
    expect(await readFile(file, 'utf8')).toBe('the old one');
  });

  it('replaces the file behind a symbolic link, nothing that is no file, and makes no folder', async () => {
    const log = newLog('embedded');
    await startMaster(log);
    const config = await configFor(log);
    const file = join(folder, 'export.jsonl');
    const link = join(folder, 'link');
    await writeFile(file, 'the old one');
    await symlink(file, link);
    const exported = await runOverlayctl(['log', 'export', link, '--config', config]);
    expect(exported).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readFile(file, 'utf8')).toContain('"export":"overlay-log"');
    const device = join(folder, 'device');
    execFileSync('mknod', [device, 'c', '1', '3']);
    const refused = await runOverlayctl(['log', 'export', device, '--config', config]);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain('is no regular file');
    expect((await stat(device)).isCharacterDevice()).toBe(true);
    const nowhere = join(folder, 'backups', 'today');
    const slip = await runOverlayctl(['log', 'export', join(nowhere, 'x'), '--config', config]);
    expect(slip).toMatchObject({ exitCode: 1, stdout: '' });
    expect(slip.stderr).toContain(`there is no folder ${nowhere}`);
    expect(existsSync(join(folder, 'backups'))).toBe(false);
  });
});
