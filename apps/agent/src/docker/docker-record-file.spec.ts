import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DockerRecordFile } from './docker-record-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-docker-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('DockerRecordFile', () => {
  it('holds what was written', async () => {
    const file = new DockerRecordFile(folder);
    expect(await file.read()).toEqual(new Set());
    await file.write(new Set(['b', 'a']));
    expect(await new DockerRecordFile(folder).read()).toEqual(new Set(['a', 'b']));
  });

  it.each(['', '{}', '[1', 'null'])('says that %j is damaged', async (content) => {
    const file = new DockerRecordFile(folder);
    writeFileSync(file.path, content);
    await expect(file.read()).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringContaining(file.path),
    });
  });
});
