import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryNamespaces } from './memory-namespaces.js';
import { hostNamespaces, type Namespaces } from './namespaces.js';

interface World {
  readonly namespaces: Namespaces;
  add(path: string): void;
  remove(path: string): void;
}

function memoryWorld(): World {
  const namespaces = new MemoryNamespaces();
  return { namespaces, add: (path) => namespaces.add(path), remove: (path) => namespaces.remove(path) };
}

const hostWorld: World = {
  namespaces: hostNamespaces,
  add: (path) => writeFileSync(path, ''),
  remove: (path) => rmSync(path),
};

describe.each([
  ['MemoryNamespaces', memoryWorld],
  ['hostNamespaces', () => hostWorld],
])('%s', (_name, create) => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-namespaces-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('tells what lives from what is gone or never was', () => {
    const { namespaces, add, remove } = create();
    const path = join(folder, 'ns');
    expect(namespaces.lives(path)).toBe(false);
    add(path);
    expect(namespaces.lives(path)).toBe(true);
    remove(path);
    expect(namespaces.lives(path)).toBe(false);
    expect(namespaces.lives(join(path, 'below'))).toBe(false);
  });
});

describe('hostNamespaces', () => {
  it('knows the namespaces of processes', () => {
    expect(hostNamespaces.lives(`/proc/${process.pid}/ns/net`)).toBe(true);
    expect(hostNamespaces.lives('/proc/4194305/ns/net')).toBe(false);
  });

  it('counts what cannot be told as living', () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlay-namespaces-'));
    try {
      symlinkSync('loop', join(folder, 'loop'));
      expect(hostNamespaces.lives(join(folder, 'loop'))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
