import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { agentConfiguration } from '@overlay/model';
import { exampleNetwork } from '../configuration/example-registration.js';
import { applyCniFiles } from './apply-cni-files.js';
import type { CniDirectory } from './cni-directory.js';
import { FakeCniDirectory } from './fake-cni-directory.js';
import { FileCniDirectory } from './file-cni-directory.js';
import { planCniFiles } from './plan-cni-files.js';

interface Subject {
  readonly directory: CniDirectory;
  /** The folder as another program sees it. */
  put(name: string, content: string): void;
  get(name: string): string | undefined;
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function fake(): Subject {
  const directory = new FakeCniDirectory('mesos');
  return {
    directory,
    put: (name, content) => directory.files.set(name, content),
    get: (name) => directory.files.get(name),
  };
}

function real(): Subject {
  const folder = mkdtempSync(join(tmpdir(), 'overlay-cni-'));
  folders.push(folder);
  return {
    directory: new FileCniDirectory(folder, 'mesos'),
    put: (name, content) => writeFileSync(join(folder, name), content),
    get: (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined),
  };
}

const ours = (name: string, mtu = 1420) =>
  JSON.stringify({ name, type: 'bridge', bridge: `m-${name}`, mtu, ipam: { type: 'overlay-ipam' } });
const foreign = JSON.stringify({ name: 'a', type: 'bridge', bridge: 'br0', ipam: { type: 'overlay-ipam' } });

describe.each([
  ['in memory', fake],
  ['on disk', real],
])('a CNI directory %s', (_name, make) => {
  it('lists our files by their names and content', async () => {
    const { directory, put } = make();
    put('b.conf', ours('b'));
    put('a.conf', ours('a'));
    put('10-mine.conf', ours('a'));
    put('c.json', ours('c'));
    put('d.conf', foreign);
    put('broken.conf', '{');
    expect((await directory.list()).map(({ name }) => name)).toStrictEqual(['a.conf', 'b.conf']);
  });

  it('writes, replaces and removes our files', async () => {
    const { directory, get } = make();
    await directory.write({ name: 'a.conf', content: ours('a') });
    await directory.write({ name: 'a.conf', content: ours('a', 1300) });
    expect(get('a.conf')).toBe(ours('a', 1300));
    await directory.remove('a.conf');
    await directory.remove('a.conf');
    expect(get('a.conf')).toBeUndefined();
  });

  it("leaves everybody else's files alone", async () => {
    const { directory, put, get } = make();
    put('a.conf', foreign);
    const write = directory.write({ name: 'a.conf', content: ours('a') });
    await expect(write).rejects.toMatchObject({ code: 'already_exists' });
    await directory.remove('a.conf');
    expect(get('a.conf')).toBe(foreign);
  });

  it('is made what is wanted, and kept as it is where the matter is open', async () => {
    const { directory, put, get } = make();
    put('gone.conf', ours('gone'));
    put('open.conf', ours('open'));
    put('taken.conf', foreign);
    const wanted = [
      { networkId: 'n1', file: { name: 'new.conf', content: ours('new') } },
      { networkId: 'n2', file: { name: 'taken.conf', content: ours('taken') } },
    ];
    const { errors, removed } = await applyCniFiles(directory, wanted, new Set(['open.conf']));
    expect(removed).toStrictEqual(['gone.conf']);
    expect([...errors.keys()]).toStrictEqual(['n2']);
    const contents = ['new.conf', 'open.conf', 'gone.conf', 'taken.conf'].map(get);
    expect(contents).toStrictEqual([ours('new'), ours('open'), undefined, foreign]);
  });
});

describe('FileCniDirectory', () => {
  it('takes a missing folder for an empty one and creates it', async () => {
    const { directory } = real();
    const missing = new FileCniDirectory(join(directory.path, 'deep', 'er'), 'mesos');
    expect(await missing.list()).toStrictEqual([]);
    await missing.write({ name: 'a.conf', content: ours('a') });
    expect(await missing.list()).toHaveLength(1);
  });

  it('removes what interrupted writes left, and nothing else', async () => {
    const { directory, put, get } = real();
    put('.dcos.conf.0123456789ab.tmp', '{"na');
    put('.other.tmp', 'x');
    await new FileCniDirectory(directory.path, 'mesos').removeInterruptedWrites();
    expect([get('.dcos.conf.0123456789ab.tmp'), get('.other.tmp')]).toStrictEqual([undefined, 'x']);
  });

  it('passes over what cannot be read, tells of it once, and writes the others', async () => {
    const { directory, get } = real();
    mkdirSync(join(directory.path, 'x.conf'));
    execFileSync('mkfifo', [join(directory.path, 'pipe.conf')]);
    symlinkSync('loop.conf', join(directory.path, 'loop.conf'));
    const told: string[] = [];
    const subject = new FileCniDirectory(directory.path, 'mesos', (path) => told.push(path));
    const wanted = ['a', 'x'].map((name) => ({
      networkId: name,
      file: { name: `${name}.conf`, content: ours(name) },
    }));
    const { errors } = await applyCniFiles(subject, wanted, new Set());
    await subject.list();
    const names = ['loop.conf', 'pipe.conf', 'x.conf'];
    expect(told).toStrictEqual(names.map((name) => join(directory.path, name)));
    expect([...errors]).toStrictEqual([
      ['x', expect.stringContaining('x.conf cannot be read (it is no file)')],
    ]);
    expect(get('a.conf')).toBe(ours('a'));
  });

  it("never touches the other kind's files, also where both are in one folder", async () => {
    const { directory, put, get } = real();
    const link = join(directory.path, 'link');
    symlinkSync(directory.path, link);
    const files = planCniFiles(exampleNetwork('dcos', 0), agentConfiguration.defaults(), false);
    put('dcos.conf', files?.mesos.content ?? '');
    put('99-overlay-dcos.conflist', files?.conflist.content ?? '');
    const mesos = await applyCniFiles(directory, [], new Set(['dcos.conf']));
    const kept = new Set(['99-overlay-dcos.conflist']);
    const lists = await applyCniFiles(new FileCniDirectory(link, 'conflist'), [], kept);
    expect([mesos.removed, lists.removed]).toStrictEqual([[], []]);
    expect([get('dcos.conf'), get('99-overlay-dcos.conflist')]).not.toContain(undefined);
  });
});
