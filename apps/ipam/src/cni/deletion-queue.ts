import { OverlayError, toOverlayError } from '@overlay/failure';
import type { Logger } from '@overlay/service';
import { replayFiles } from '../queue/replay-files.js';
import type { CniEnvironment } from './cni-call.js';
import type { CniAnswer } from './cni-handler.js';
import { parseQueuedDeletion, type QueuedDeletion } from './queued-deletion.js';

/** Performs one deletion that was queued at a time; see `handleQueuedDeletion`. */
export type PerformDeletion = (
  environment: CniEnvironment,
  stdin: string,
  queuedAtMs: number,
) => Promise<CniAnswer>;

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
export function replayDeletions(folder: string, perform: PerformDeletion, logger: Logger): Promise<number> {
  return replayFiles({
    folder,
    key: 'cni_deletions_dir',
    suffix: '.del',
    perform: (text, queuedAtMs) => replayOne(text, queuedAtMs, perform),
    onSetAside: (file, reason) => logger.warn({ event: 'cni_deletion_set_aside', file, reason }),
  });
}

async function replayOne(
  text: string,
  queuedAtMs: number,
  perform: PerformDeletion,
): Promise<string | undefined> {
  let queued: QueuedDeletion;
  try {
    queued = parseQueuedDeletion(text);
  } catch (thrown) {
    return toOverlayError(thrown).message;
  }
  const answered = await perform(queued.environment, queued.stdin, queuedAtMs);
  if (answered.ok) return undefined;
  if (answered.error.details === 'unavailable') throw new OverlayError('unavailable', answered.error.msg);
  return answered.error.msg;
}
