import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeFolder } from './make-folder.js';

describe('makeFolder', () => {
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'overlay-folder-'));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it('makes what is missing, and leaves what is there', () => {
    const path = join(parent, 'a', 'b', 'c');
    mkdirSync(join(parent, 'a'), { mode: 0o755 });
    expect(makeFolder(path, 0o700)).toBe(join(parent, 'a', 'b'));
    expect(makeFolder(path, 0o700)).toBeUndefined();
    const modes = ['a', 'a/b', 'a/b/c'].map((name) => statSync(join(parent, name)).mode & 0o777);
    expect(modes).toEqual([0o755, 0o700, 0o700]);
  });

  it('takes a link to a folder for one', () => {
    symlinkSync(parent, join(parent, 'link'));
    makeFolder(join(parent, 'link', 'a'), 0o700);
    makeFolder(join(parent, 'link'), 0o700);
    expect(statSync(join(parent, 'a')).isDirectory()).toBe(true);
  });

  it('throws where none can be made', () => {
    writeFileSync(join(parent, 'file'), '');
    symlinkSync(join(parent, 'nowhere'), join(parent, 'dangling'));
    const codeAt = (path: string) => {
      try {
        makeFolder(path, 0o700);
        return undefined;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    };
    expect(codeAt('/proc/overlay-nowhere/a/b')).toBe('ENOENT');
    expect(codeAt(join(parent, 'file'))).toBe('EEXIST');
    expect(codeAt(join(parent, 'file', 'a'))).toBe('ENOTDIR');
    expect(codeAt(join(parent, 'dangling', 'a'))).toBe('EEXIST');
  });
});
