import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { applyCniFiles } from './apply-cni-files.js';
import type { CniDirectory } from './cni-directory.js';
import { FakeCniDirectory } from './fake-cni-directory.js';
import { FileCniDirectory } from './file-cni-directory.js';

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
  const directory = new FakeCniDirectory();
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
    directory: new FileCniDirectory(folder),
    put: (name, content) => writeFileSync(join(folder, name), content),
    get: (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined),
  };
}

const ours = (name: string) => JSON.stringify({ name, ipam: { type: 'overlay-ipam' } });
const ourList = JSON.stringify({ plugins: [{ ipam: { type: 'overlay-ipam' } }, { type: 'portmap' }] });
const foreign = JSON.stringify({ name: 'x', ipam: { type: 'host-local' } });

describe.each([
  ['in memory', fake],
  ['on disk', real],
])('a CNI directory %s', (_name, make) => {
  it('lists our files by their content', async () => {
    const { directory, put } = make();
    put('b.conf', ours('b'));
    put('a.conflist', ourList);
    put('99-overlay-x.conflist', foreign);
    put('broken.conf', '{');
    expect((await directory.list()).map(({ name }) => name)).toStrictEqual(['a.conflist', 'b.conf']);
  });

  it('writes, replaces and removes our files', async () => {
    const { directory, get } = make();
    await directory.write({ name: 'a.conf', content: ours('1') });
    await directory.write({ name: 'a.conf', content: ours('2') });
    expect(get('a.conf')).toBe(ours('2'));
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
    const errors = await applyCniFiles(directory, wanted, new Set(['open.conf']));
    expect([...errors.keys()]).toStrictEqual(['n2']);
    const contents = ['new.conf', 'open.conf', 'gone.conf', 'taken.conf'].map(get);
    expect(contents).toStrictEqual([ours('new'), ours('open'), undefined, foreign]);
  });
});

describe('FileCniDirectory', () => {
  it('takes a missing folder for an empty one and creates it', async () => {
    const { directory } = real();
    const missing = new FileCniDirectory(join(directory.path, 'deep', 'er'));
    expect(await missing.list()).toStrictEqual([]);
    await missing.write({ name: 'a.conf', content: ours('a') });
    expect(await missing.list()).toHaveLength(1);
  });

  it('removes what interrupted writes left, and nothing else', async () => {
    const { directory, put, get } = real();
    put('.dcos.conf.0123456789ab.tmp', '{"na');
    put('.other.tmp', 'x');
    await new FileCniDirectory(directory.path).removeInterruptedWrites();
    expect([get('.dcos.conf.0123456789ab.tmp'), get('.other.tmp')]).toStrictEqual([undefined, 'x']);
  });
});
