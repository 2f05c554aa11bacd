import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DockerRecordFile, NO_RECORD } from './docker-record-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-docker-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('DockerRecordFile', () => {
  it('holds what was written', async () => {
    const file = new DockerRecordFile(folder);
    expect(await file.read()).toEqual(NO_RECORD);
    const record = { standing: new Set(['b', 'a']), adopted: new Map([['docker-a', 'a']]) };
    await file.write(record);
    expect(await new DockerRecordFile(folder).read()).toEqual(record);
  });

  it('reads what earlier versions wrote', async () => {
    const file = new DockerRecordFile(folder);
    writeFileSync(file.path, '["a","b"]\n');
    expect(await file.read()).toEqual({ standing: new Set(['a', 'b']), adopted: new Map() });
  });

  it.each(['', '{}', '[1', 'null', '{"networks":["a"]}'])('says that %j is damaged', async (content) => {
    const file = new DockerRecordFile(folder);
    writeFileSync(file.path, content);
    await expect(file.read()).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringContaining(file.path),
    });
  });
});
