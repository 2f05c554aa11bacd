import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { syncFolder } from '@overlay/service';

/** A folder of calls that wait to be performed, one file each. */
export interface FileQueue {
  readonly folder: string;
  /** The setting that the folder comes from, for errors. */
  readonly key: string;
  /** How the names of its files end; others, and names that begin with a dot, are passed over. */
  readonly suffix: string;
  /**
   * Performs one call that was written at a time (Unix milliseconds).
   * @returns why it makes no sense; undefined if it is done. It stays queued if this rejects.
   */
  readonly perform: (text: string, queuedAtMs: number) => Promise<string | undefined>;
  /** Told of each file that was moved into the folder `unreadable`. */
  readonly onSetAside: (name: string, reason: string) => void;
}

const SET_ASIDE_FOLDER = 'unreadable';

/**
 * Performs what is queued, in the order of the names, and removes it. Repeatable. A file that cannot be read or makes
 * no sense is moved into the folder `unreadable`.
 * @returns how many calls were performed.
 * @throws OverlayError `failed_precondition` naming a folder or file that cannot be changed, and what `perform` throws.
 */
export async function replayFiles(queue: FileQueue): Promise<number> {
  const { folder, onSetAside } = queue;
  const names = await queuedNames(queue);
  let performed = 0;
  for (const name of names) {
    const reason = await replayFile(join(folder, name), queue);
    if (reason === undefined) {
      await changing(queue, () => rm(join(folder, name)));
      performed += 1;
    } else {
      onSetAside(name, reason);
      await changing(queue, () => setAside(folder, name));
    }
  }
  if (names.length > 0) await changing(queue, () => syncFolder(folder));
  return performed;
}

async function queuedNames(queue: FileQueue): Promise<readonly string[]> {
  const { folder, suffix } = queue;
  return changing(queue, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const entries = await readdir(folder);
    return entries.filter((name) => name.endsWith(suffix) && !name.startsWith('.')).sort();
  });
}

async function replayFile(path: string, { perform }: FileQueue): Promise<string | undefined> {
  let text: string;
  let queuedAtMs: number;
  try {
    text = await readFile(path, 'utf8');
    queuedAtMs = (await stat(path)).mtimeMs;
  } catch (error) {
    return reasonOf(error);
  }
  return perform(text, queuedAtMs);
}

async function setAside(folder: string, name: string): Promise<void> {
  await mkdir(join(folder, SET_ASIDE_FOLDER), { recursive: true, mode: 0o700 });
  await rename(join(folder, name), join(folder, SET_ASIDE_FOLDER, name));
}

async function changing<T>({ key, folder }: FileQueue, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    const message = `${key}: ${folder} cannot be used: ${reasonOf(error)}`;
    throw new OverlayError('failed_precondition', message, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
