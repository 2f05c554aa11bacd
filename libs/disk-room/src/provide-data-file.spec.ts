import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { provideDataFile } from './provide-data-file.js';

describe('provideDataFile', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-data-file-'));
    path = join(folder, 'data.mdb');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const writing = (text: string) => async (draft: string) => writeFileSync(draft, text);

  it('makes a file once, and leaves one that is there alone', async () => {
    await provideDataFile(path, writing('first'));
    await provideDataFile(path, writing('second'));
    expect(readFileSync(path, 'utf8')).toBe('first');
    expect(readdirSync(folder)).toEqual(['data.mdb']);
    writeFileSync(path, '');
    await provideDataFile(path, writing('third'));
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('starts anew after one that was interrupted, whose file is never seen half made', async () => {
    const interrupted = async (draft: string) => {
      writeFileSync(draft, '');
      throw new Error('killed');
    };
    await expect(provideDataFile(path, interrupted)).rejects.toThrow('killed');
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, 'data.mdb.new-1'), '');
    await provideDataFile(path, writing('whole'));
    expect(readFileSync(path, 'utf8')).toBe('whole');
    expect(readdirSync(folder)).toEqual(['data.mdb']);
  });

  it('takes the file of another process that was first', async () => {
    await provideDataFile(path, async (draft) => {
      writeFileSync(draft, 'ours');
      writeFileSync(path, 'theirs');
    });
    expect(readFileSync(path, 'utf8')).toBe('theirs');
    expect(readdirSync(folder)).toEqual(['data.mdb']);
  });
});
