import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { type Logger, syncFolder } from '@overlay/service';
import type { CniEnvironment } from './cni-call.js';
import type { CniAnswer } from './cni-handler.js';
import { parseQueuedDeletion, type QueuedDeletion } from './queued-deletion.js';

/** Performs one deletion that was queued at a time; see `handleQueuedDeletion`. */
export type PerformDeletion = (
  environment: CniEnvironment,
  stdin: string,
  queuedAtMs: number,
) => Promise<CniAnswer>;

const QUEUED_SUFFIX = '.del';
const SET_ASIDE_FOLDER = 'unreadable';

/**
 * Performs the deletions that the plugin queued while the daemon was away, and empties the queue. Repeatable.
 * A file that is no deletion, or that asks for what makes no sense, is moved into the folder `unreadable`.
 *
 * To be called while the HTTP socket listens and before it answers: a plugin that finds no socket writes its
 * file first and looks for the socket once more, so either it is answered, or its file is here by now.
 * @returns how many deletions were performed.
 * @throws OverlayError `failed_precondition` naming a folder or file that cannot be changed; `unavailable` if
 * the store cannot be written.
 */
export async function replayDeletions(
  folder: string,
  perform: PerformDeletion,
  logger: Logger,
): Promise<number> {
  const names = await queuedNames(folder);
  let performed = 0;
  for (const name of names) {
    const reason = await replayOne(join(folder, name), perform);
    if (reason === undefined) {
      await changing(folder, () => rm(join(folder, name)));
      performed += 1;
    } else {
      logger.warn({ event: 'cni_deletion_set_aside', file: name, reason });
      await changing(folder, () => setAside(folder, name));
    }
  }
  if (names.length > 0) await changing(folder, () => syncFolder(folder));
  return performed;
}

async function queuedNames(folder: string): Promise<readonly string[]> {
  return changing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const entries = await readdir(folder);
    return entries.filter((name) => name.endsWith(QUEUED_SUFFIX) && !name.startsWith('.')).sort();
  });
}

/** @returns why the file cannot be understood; undefined if its deletion is done. */
async function replayOne(path: string, perform: PerformDeletion): Promise<string | undefined> {
  let queued: QueuedDeletion;
  let queuedAtMs: number;
  try {
    queued = parseQueuedDeletion(await readFile(path, 'utf8'));
    queuedAtMs = (await stat(path)).mtimeMs;
  } catch (error) {
    return reasonOf(error);
  }
  const answered = await perform(queued.environment, queued.stdin, queuedAtMs);
  if (answered.ok) return undefined;
  if (answered.error.details === 'unavailable') throw new OverlayError('unavailable', answered.error.msg);
  return answered.error.msg;
}

async function setAside(folder: string, name: string): Promise<void> {
  await mkdir(join(folder, SET_ASIDE_FOLDER), { recursive: true, mode: 0o700 });
  await rename(join(folder, name), join(folder, SET_ASIDE_FOLDER, name));
}

async function changing<T>(folder: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    const message = `cni_deletions_dir: ${folder} cannot be used: ${reasonOf(error)}`;
    throw new OverlayError('failed_precondition', message, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
