import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { findPackages, type ReleasePackage } from './find-packages.js';

const APPS = ['apps/master', 'apps/agent', 'apps/ipam', 'apps/dataplane', 'apps/overlayctl', 'apps/ui'];

/** What of one of our own packages ships. */
const PARTS = ['package.json', 'dist', 'static', 'descriptors'];

/** Sources, types, source maps and documents: nothing that runs. Licences stay. */
const NOT_RUN = /\.(?:map|ts|mts|cts|flow|md|markdown|tsbuildinfo|c|cc|cpp|h|hpp|gyp|gypi)$|\.spec\.js$/;

/** Folders of third-party packages that nothing loads. */
const NOT_LOADED = new Set([
  'test',
  'tests',
  '__tests__',
  'benchmark',
  'benchmarks',
  'example',
  'examples',
  'docs',
]);

/**
 * Writes a folder from which every app runs: the built code, the production dependencies, the commands in `bin`, and
 * nothing to develop with. The layout is the repository's, so that paths between packages hold.
 *
 * @param root the repository's root, installed and built.
 * @param target is replaced.
 * @throws OverlayError `failed_precondition` if the repository is not built.
 */
export function assembleRelease(root: string, target: string): void {
  if (!existsSync(join(root, 'apps/master/dist/bundle/overlay-master.js'))) {
    throw new OverlayError('failed_precondition', `${root} is not built: npm run build`);
  }
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  cpSync(join(root, 'bin'), join(target, 'bin'), { recursive: true });
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'));
  for (const found of findPackages(root, APPS)) {
    if (found.workspace) copyOwn(root, target, found);
    else copyForeign(root, target, found);
  }
}

function copyOwn(root: string, target: string, { name, folder }: ReleasePackage): void {
  for (const part of PARTS) {
    const from = join(root, folder, part);
    if (existsSync(from)) cpSync(from, join(target, folder, part), { recursive: true, filter: isRun });
  }
  if (!name.startsWith('@')) return; // an app: nobody imports it
  const link = join(target, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join('../..', folder), link);
}

function copyForeign(root: string, target: string, { folder }: ReleasePackage): void {
  cpSync(join(root, folder), join(target, folder), {
    recursive: true,
    // Packages inside packages are packages of their own.
    filter: (path) =>
      isRun(path) &&
      !['node_modules', '.bin'].includes(basename(path)) &&
      !isDeadWeight(path, join(root, folder)),
  });
}

function isRun(path: string): boolean {
  return !NOT_RUN.test(path);
}

function isDeadWeight(path: string, packageFolder: string): boolean {
  return dirname(path) === packageFolder && NOT_LOADED.has(basename(path));
}
