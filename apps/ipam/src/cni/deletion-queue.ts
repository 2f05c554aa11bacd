import { OverlayError, toOverlayError } from '@overlay/failure';
import type { Logger } from '@overlay/service';
import { type FileQueue, replayFiles } from '../queue/replay-files.js';
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
 * The deletions that the plugin queued because the daemon did not answer.
 *
 * The daemon looks for them before it answers anyone, every few seconds, and before it gives out an address: a
 * deletion that was queued before a container was added again is done before that, so that it can never free what the
 * container got.
 */
export class DeletionQueue {
  readonly #queue: FileQueue;
  readonly #logger: Logger;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(folder: string, perform: PerformDeletion, logger: Logger) {
    this.#logger = logger;
    this.#queue = {
      folder,
      key: 'cni_deletions_dir',
      suffix: '.del',
      perform: (text, queuedAtMs) => replayOne(text, queuedAtMs, perform),
      onSetAside: (file, reason) => logger.warn({ event: 'cni_deletion_set_aside', file, reason }),
    };
  }

  /**
   * Performs every deletion that is queued by now, and empties the queue. Repeatable; at most one look is under way,
   * and who comes meanwhile shares the next. A file that is no deletion, or that asks for what makes no sense, is
   * moved into the folder `unreadable`.
   * @throws OverlayError `failed_precondition` naming a folder or file that cannot be read or changed; `unavailable` if a
   * deletion fails, as where the store cannot be written.
   */
  settle(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    this.#next = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  /** As {@link settle}, for callers who may try again. @throws OverlayError `unavailable` with the reason. */
  async settleBeforeAllocation(): Promise<void> {
    try {
      await this.settle();
    } catch (thrown) {
      const { message } = toOverlayError(thrown);
      const reason = `a deletion may be queued, which cannot be done: ${message}`;
      throw new OverlayError('unavailable', reason, { cause: thrown });
    }
  }

  #start(): Promise<void> {
    const running = this.#look().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #look(): Promise<void> {
    const deletions = await replayFiles(this.#queue);
    if (deletions > 0) this.#logger.info({ event: 'cni_deletions_replayed', deletions });
  }
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
  const { msg, details } = answered.error;
  if (details === 'invalid_argument') return msg;
  throw new OverlayError('unavailable', msg);
}
