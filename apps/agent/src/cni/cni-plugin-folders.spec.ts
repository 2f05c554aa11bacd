import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileCniPluginFolders } from './cni-plugin-folders.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-plugins-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('FileCniPluginFolders', () => {
  it('finds what can be run in any of the folders, also when it comes later', async () => {
    const there = join(folder, 'there');
    const plugins = new FileCniPluginFolders([join(folder, 'missing'), there]);
    expect(await plugins.has('bridge')).toBe(false);
    mkdirSync(there);
    writeFileSync(join(there, 'bridge'), '', { mode: 0o755 });
    writeFileSync(join(there, 'notes'), '', { mode: 0o644 });
    expect(await plugins.has('bridge')).toBe(true);
    expect(await plugins.has('notes')).toBe(false);
  });
});
