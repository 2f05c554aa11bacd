import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../places.js';
import { assembleRelease } from '../release/assemble-release.js';
import { BASE_RECIPE } from './base-images.js';

/**
 * Writes everything that the images are built from into one folder, which is replaced.
 * @returns a key that changes when any of it does.
 */
export function assembleContext(folder: string): string {
  rmSync(folder, { recursive: true, force: true }); // of an earlier up, from other sources
  assembleRelease(ROOT, join(folder, 'release'));
  for (const part of ['deploy/compose', 'bin/cni']) {
    mkdirSync(join(folder, part), { recursive: true });
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  for (const name of readdirSync(join(ROOT, 'deploy')).filter((entry) => entry.startsWith('Dockerfile'))) {
    cpSync(join(ROOT, 'deploy', name), join(folder, 'deploy', name));
  }
  const hash = createHash('sha256').update(`${BASE_RECIPE}\n${process.version} ${process.arch}\n`);
  for (const file of listFiles(folder)) {
    hash
      .update(`${relative(folder, file)}\0${statSync(file).mode & 0o111}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
