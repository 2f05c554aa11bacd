import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeLockRoom } from './lock-room.js';

/** Between the name of a data file and the process that makes it. */
const DRAFT = '.new-';

/** More than an lmdb database without content takes, with pages of any size that machines have. */
const NEW_FILE_BYTES = 128 * 1024;

/**
 * Makes sure that there is a data file. A new one is made under another name and linked to its own once it is on disk, so
 * that it is there whole or not at all: what a start that was interrupted leaves is never taken for a file that lost its
 * content, and such a file never for a new one. Repeatable, also by two processes at once: one of them makes it.
 * @param make makes an lmdb database without content at the path that it gets, and closes it.
 * @throws the file system's error.
 */
export async function provideDataFile(path: string, make: (draft: string) => Promise<void>): Promise<void> {
  if (existsSync(path)) return;
  const draft = `${path}${DRAFT}${process.pid}`;
  try {
    removeDraft(draft);
    makeLockRoom(lockFileOf(draft));
    // lmdb is killed where it cannot write a file that it makes.
    writeFileSync(draft, Buffer.alloc(NEW_FILE_BYTES));
    truncateSync(draft);
    await make(draft);
    syncPath(draft);
    linkOnce(draft, path);
  } finally {
    removeDraft(draft);
  }
  removeLeftDrafts(path);
  syncPath(dirname(path));
}

/** Where lmdb keeps the lock file of a data file. */
export function lockFileOf(dataFile: string): string {
  return `${dataFile}-lock`;
}

/** Whoever was first made the file. */
function linkOnce(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

function removeDraft(draft: string): void {
  for (const each of [draft, lockFileOf(draft)]) rmSync(each, { force: true });
}

/** Those of processes that were killed; one that is still at work finds that it was not the first. */
function removeLeftDrafts(path: string): void {
  const folder = dirname(path);
  const drafts = `${basename(path)}${DRAFT}`;
  const left = readdirSync(folder).filter((name) => name.startsWith(drafts));
  for (const name of left) rmSync(join(folder, name), { force: true });
}

function syncPath(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
