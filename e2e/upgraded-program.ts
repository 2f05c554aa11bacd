import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AppName } from '@overlay/testbed';

/** What the copies call themselves. */
export const UPGRADED_VERSION = '0.1.1';
const VERSION = '0.1.0';

/**
 * Copies the built programs into a folder, under another version: what a package manager does when it upgrades them.
 * @returns the path of a program in the copy.
 */
export function copyPrograms(folder: string, apps: readonly AppName[]): (app: AppName) => string {
  const copy = join(folder, 'upgraded');
  cpSync('bin', join(copy, 'bin'), { recursive: true });
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  for (const app of apps) {
    const from = join('apps', app);
    const to = join(copy, from);
    cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true });
    const manifest = readFileSync(join(from, 'package.json'), 'utf8');
    writeFileSync(join(to, 'package.json'), manifest.replace(VERSION, UPGRADED_VERSION));
  }
  return (app) => join(copy, 'bin', `overlay-${app}`);
}
