import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those above it that are missing, with the same mode. Does nothing to one that is there. Node's own
 * way, `recursive`, goes on for ever where a folder is there and takes none, as `/proc` does.
 * @param mode permissions, less the process's umask
 * @returns the topmost folder that was made; undefined if all were there.
 * @throws the file system's error; folders above that were missing may be there then.
 */
export function makeFolder(path: string, mode: number): string | undefined {
  try {
    return makeOne(path, mode);
  } catch (error) {
    const parent = dirname(path);
    if (!isMissing(error) || parent === path) throw error;
    const topmost = makeFolder(parent, mode);
    const made = makeOne(path, mode);
    return topmost ?? made;
  }
}

function makeOne(path: string, mode: number): string | undefined {
  try {
    mkdirSync(path, { mode });
    return path;
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
