import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@overlay/disk-room';
import { errnoOf, OverlayError, toOverlayError } from '@overlay/failure';
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

type Reading =
  | { readonly kind: 'read'; readonly text: string; readonly queuedAtMs: number }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unreadable'; readonly reason: string };

const SET_ASIDE_FOLDER = 'unreadable';

/** Why a file is not readable next time either. For want of descriptors, memory or a sound disk it may be. */
const LASTING_ERRORS: ReadonlySet<string> = new Set(['EISDIR', 'EACCES']);

/**
 * Performs what is queued, in the order of the names, and removes it. Repeatable. A file that makes no sense, that is
 * a folder or that this process may not read is moved into the folder `unreadable`; any other that cannot be read stays.
 * @returns how many calls were performed.
 * @throws OverlayError `failed_precondition` naming a folder or file that cannot be read or changed, and what `perform`
 * throws.
 */
export async function replayFiles(queue: FileQueue): Promise<number> {
  const { folder, key, perform, onSetAside } = queue;
  const names = await queuedNames(queue);
  let performed = 0;
  for (const name of names) {
    const path = join(folder, name);
    const reading = await using(key, path, () => readQueued(path));
    if (reading.kind === 'gone') continue;
    const reason = reading.kind === 'read' ? await perform(reading.text, reading.queuedAtMs) : reading.reason;
    if (reason === undefined) {
      await using(key, path, () => rm(path));
      performed += 1;
    } else {
      onSetAside(name, reason);
      await using(key, path, () => setAside(folder, name));
    }
  }
  if (names.length > 0) await using(key, folder, () => syncFolder(folder));
  return performed;
}

async function queuedNames({ folder, key, suffix }: FileQueue): Promise<readonly string[]> {
  return using(key, folder, async () => {
    const entries = await entriesOf(folder);
    return entries.filter((name) => name.endsWith(suffix) && !name.startsWith('.')).sort();
  });
}

/** Makes the folder if it is missing; it is looked into before each address that is given out, and is there then. */
async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeFolder(folder, 0o700);
    return [];
  }
}

async function readQueued(path: string): Promise<Reading> {
  try {
    const text = await readFile(path, 'utf8');
    return { kind: 'read', text, queuedAtMs: (await stat(path)).mtimeMs };
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return { kind: 'gone' };
    if (LASTING_ERRORS.has(code)) return { kind: 'unreadable', reason: toOverlayError(error).message };
    throw error;
  }
}

async function setAside(folder: string, name: string): Promise<void> {
  makeFolder(join(folder, SET_ASIDE_FOLDER), 0o700);
  await rename(join(folder, name), join(folder, SET_ASIDE_FOLDER, name));
}

async function using<T>(key: string, path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    const message = `${key}: ${path} cannot be used: ${toOverlayError(error).message}`;
    throw new OverlayError('failed_precondition', message, { cause: error });
  }
}
