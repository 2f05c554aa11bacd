import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { syncFolder, writeFileAtomically } from './write-file-atomically.js';

describe('writeFileAtomically', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'overlay-write-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('creates a file with its folders and mode', async () => {
    const path = join(folder, 'a', 'b', 'state.json');
    await writeFileAtomically(path, '{}', 0o600);
    expect(await readFile(path, 'utf8')).toBe('{}');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['state.json']);
  });

  it('replaces a file, also by a shorter one, and leaves nothing beside it', async () => {
    const path = join(folder, 'state.json');
    await writeFileAtomically(path, 'a long content');
    await writeFileAtomically(path, 'short');
    expect(await readFile(path, 'utf8')).toBe('short');
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('never shows a reader anything but a whole content', async () => {
    const path = join(folder, 'state.json');
    const contents = ['a', 'b', 'c'].map((letter) => letter.repeat(100_000));
    await writeFileAtomically(path, contents[0] ?? '');
    let writing = true;
    const write = async () => {
      for (let round = 0; round < 10; round += 1) {
        for (const content of contents) await writeFileAtomically(path, content);
      }
      writing = false;
    };
    const seen = new Set<string>();
    const read = async () => {
      while (writing) seen.add(await readFile(path, 'utf8'));
    };
    await Promise.all([write(), read()]);
    expect(seen.size).toBeGreaterThan(0);
    for (const content of seen) expect(contents).toContain(content);
  });

  it('lets several writers go at once: one of them wins', async () => {
    const path = join(folder, 'state.json');
    const contents = Array.from({ length: 20 }, (_, n) => String(n).repeat(1_000));
    await Promise.all(contents.map((content) => writeFileAtomically(path, content)));
    expect(contents).toContain(await readFile(path, 'utf8'));
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('is not disturbed by what a writer left that died half-way', async () => {
    const path = join(folder, 'state.json');
    await writeFileAtomically(path, 'old');
    await writeFile(join(folder, '.state.json.0123456789ab.tmp'), 'hal');
    expect(await readFile(path, 'utf8')).toBe('old');
    await writeFileAtomically(path, 'new');
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await readdir(folder)).toSorted()).toEqual(['.state.json.0123456789ab.tmp', 'state.json']);
  });

  it('leaves the old content and no litter when it fails', async () => {
    const path = join(folder, 'state');
    await mkdir(path);
    await writeFile(join(path, 'kept'), 'old');
    await expect(writeFileAtomically(path, 'new')).rejects.toMatchObject({ syscall: 'rename' });
    expect(await readFile(join(path, 'kept'), 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['state']);
  });

  it('fails when a file stands where the folder should be', async () => {
    await writeFile(join(folder, 'file'), 'old');
    await expect(writeFileAtomically(join(folder, 'file', 'state'), 'new')).rejects.toMatchObject({
      code: expect.stringMatching(/^(ENOTDIR|EEXIST)$/),
    });
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('old');
  });

  it('replaces a file that may not be written itself', async () => {
    const path = join(folder, 'state.json');
    await writeFileAtomically(path, 'old');
    await chmod(path, 0o400);
    await writeFileAtomically(path, 'new', 0o640);
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });
});

describe('syncFolder', () => {
  it('fails for a folder that is not there', async () => {
    await expect(syncFolder(join(tmpdir(), 'overlay-no-such-folder'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
