import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileRoom } from './file-room.js';

describe('FileRoom', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-file-room-'));
    path = join(folder, 'file');
    writeFileSync(path, 'content');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes the file longer behind its content, and never shorter', () => {
    const room = new FileRoom(path);
    room.ensure(100_000);
    const lengthBytes = statSync(path).size;
    expect(lengthBytes).toBeGreaterThanOrEqual(100_000);
    expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(100_000);
    room.ensure(10);
    room.ensure(lengthBytes);
    expect(statSync(path).size).toBe(lengthBytes);
    expect(readFileSync(path, 'utf8').startsWith('content\0')).toBe(true);
  });

  it('says when the file is not there', () => {
    expect(() => new FileRoom(join(folder, 'none')).ensure(1)).toThrow(/ENOENT/);
  });
});
