import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadNodeId } from './node-id-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-node-id-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('loadNodeId', () => {
  it('creates an id once and keeps it', async () => {
    const stateDir = join(folder, 'state');
    expect(await loadNodeId(stateDir, () => 'first')).toBe('first');
    expect(await loadNodeId(stateDir, () => 'second')).toBe('first');
    expect(readdirSync(stateDir)).toStrictEqual(['node-id']);
  });

  it.each(['', '\n', 'two words\n', 'a'.repeat(65), '../x', 'id\nid\n'])(
    'refuses the content %j and leaves it',
    async (content) => {
      writeFileSync(join(folder, 'node-id'), content);
      await expect(loadNodeId(folder, () => 'new')).rejects.toMatchObject({ code: 'data_loss' });
      expect(readFileSync(join(folder, 'node-id'), 'utf8')).toBe(content);
    },
  );

  it('names the key if the folder cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '');
    const stateDir = join(folder, 'file', 'state');
    await expect(loadNodeId(stateDir, () => 'new')).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('state_dir'),
    });
  });
});
