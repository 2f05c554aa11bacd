import { randomBytes } from 'node:crypto';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '@overlay/disk-room';

/**
 * Replaces a file so that readers, and a machine that loses power, see the old content or the new one and
 * nothing between: written beside it, synced, renamed over it, and the folder synced. Creates missing folders.
 * A writer that dies leaves at most a file `.<name>.<random>.tmp`, which nobody reads.
 * @param content text, or pieces of a long one; what reading them throws is thrown, and the old content stands
 * @param mode permissions of the new file, less the process's umask
 * @throws the file system's error; then the old content stands, or, if syncing the folder failed, the new one
 * may not survive a loss of power.
 */
export async function writeFileAtomically(
  path: string,
  content: string | AsyncIterable<string>,
  mode = 0o644,
): Promise<void> {
  const folder = dirname(path);
  await makeDurableFolder(folder);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await writeFile(file, content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Creates missing folders so that they, too, survive a loss of power. */
async function makeDurableFolder(folder: string): Promise<void> {
  const first = makeFolder(folder, 0o777);
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes a removal or renaming in the folder survive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
