import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { OverlayError } from '@overlay/failure';

/** A package that a release carries. */
export interface ReleasePackage {
  readonly name: string;
  /** Folder below the repository's root, through no symbolic link. */
  readonly folder: string;
  /** True for our own packages, whose built code ships and whose sources do not. */
  readonly workspace: boolean;
}

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Everything that apps need at run time: they themselves and, found as Node finds them, what they and their
 * dependencies declare in `dependencies` and `optionalDependencies`. What is optional and not installed here
 * (another platform's build) is left out.
 *
 * @param root the repository's root, installed.
 * @param apps folders below it.
 * @throws OverlayError `not_found` for a dependency that is not installed.
 */
export function findPackages(root: string, apps: readonly string[]): readonly ReleasePackage[] {
  const base = realpathSync(root);
  const found = new Map<string, ReleasePackage>();
  const queue = [...apps];
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    if (found.has(folder)) continue;
    const manifest = readManifest(join(base, folder));
    const workspace = !folder.split('/').includes('node_modules');
    found.set(folder, { name: manifest.name ?? folder, folder, workspace });
    for (const [name, optional] of dependenciesOf(manifest)) {
      const path = resolvePackage(join(base, folder), name, base);
      if (path !== undefined) queue.push(relative(base, path));
      else if (!optional) {
        throw new OverlayError('not_found', `${name}, which ${folder} needs, is not installed: npm install`);
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

function dependenciesOf({ dependencies = {}, optionalDependencies = {} }: Manifest): Map<string, boolean> {
  const all = new Map(Object.keys(dependencies).map((name) => [name, false]));
  for (const name of Object.keys(optionalDependencies)) all.set(name, true); // npm lists some in both
  return all;
}

/** Node's search: `node_modules` beside the package and in every folder above it. */
function resolvePackage(folder: string, name: string, top: string): string | undefined {
  const candidate = join(folder, 'node_modules', name);
  if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
  return folder === top ? undefined : resolvePackage(dirname(folder), name, top);
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}
