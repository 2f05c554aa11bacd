import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findPackages } from './find-packages.js';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'overlay-packages-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function install(folder: string, manifest: object): void {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, 'package.json'), JSON.stringify(manifest));
}

const folders = () => findPackages(root, ['apps/one']).map(({ folder }) => folder);

describe('the packages of a release', () => {
  it('are what apps need at run time, through libraries and nested versions', () => {
    install('apps/one', {
      name: 'one',
      dependencies: { '@o/lib': '1', a: '1' },
      devDependencies: { tester: '1' },
    });
    install('libs/lib', { name: '@o/lib', dependencies: { b: '2' } });
    install('node_modules/a', { name: 'a', dependencies: { b: '1' } });
    install('node_modules/a/node_modules/b', { name: 'b', version: '1.0.0' });
    install('node_modules/b', { name: 'b', version: '2.0.0' });
    install('node_modules/tester', { name: 'tester' });
    mkdirSync(join(root, 'node_modules/@o'));
    symlinkSync('../../libs/lib', join(root, 'node_modules/@o/lib'));
    expect(folders()).toEqual([
      'apps/one',
      'libs/lib',
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/b',
    ]);
    expect(findPackages(root, ['apps/one']).filter(({ workspace }) => workspace)).toHaveLength(2);
  });

  it('have the build of this platform and not the others', () => {
    install('apps/one', { name: 'one', dependencies: { store: '1' } });
    const builds = { 'store-linux': '1', 'store-elsewhere': '1' };
    install('node_modules/store', { name: 'store', dependencies: builds, optionalDependencies: builds });
    install('node_modules/store-linux', { name: 'store-linux' });
    expect(folders()).toContain('node_modules/store-linux');
    expect(folders()).toHaveLength(3);
  });

  it('have to be installed', () => {
    install('apps/one', { name: 'one', dependencies: { missing: '1' } });
    expect(folders).toThrow('missing, which apps/one needs, is not installed');
  });

  it('may need each other', () => {
    install('apps/one', { name: 'one', dependencies: { a: '1' } });
    install('node_modules/a', { name: 'a', dependencies: { b: '1' } });
    install('node_modules/b', { name: 'b', dependencies: { a: '1' } });
    expect(folders()).toHaveLength(3);
  });
});
