import { behindFailed } from './log-failures.js';
import type { Fence } from './overlay-log.js';

/** A commit that was called and whose outcome is not known yet. */
export interface CommitUnderWay {
  readonly fence: Fence;
  readonly outcome: Promise<bigint>;
}

/** Remembers the commit that was called last for as long as it is under way: the next one has to come behind it. */
export class CommitOrder<T extends CommitUnderWay = CommitUnderWay> {
  #last: T | undefined;

  /** The commit under the same fence that one called now comes behind; undefined if none is under way. */
  before(fence: Fence): T | undefined {
    return this.#last?.fence.epoch === fence.epoch ? this.#last : undefined;
  }

  /** Notes the commit that is called now. Returns its outcome. */
  add(commit: T): Promise<bigint> {
    this.#last = commit;
    const settle = (): void => {
      if (this.#last === commit) this.#last = undefined;
    };
    commit.outcome.then(settle, settle);
    return commit.outcome;
  }
}

/**
 * Runs a commit once the one before it is done, for stores that take one at a time.
 * @throws OverlayError `aborted` if the one before failed, else what `commit` throws.
 */
export function commitInOrder(
  order: CommitOrder,
  fence: Fence,
  commit: () => Promise<bigint>,
): Promise<bigint> {
  const before = order.before(fence);
  const outcome = before === undefined ? commit() : afterwards(before, commit);
  return order.add({ fence, outcome });
}

async function afterwards(before: CommitUnderWay, commit: () => Promise<bigint>): Promise<bigint> {
  await succeeded(before);
  return commit();
}

/** Waits for the commit before. @throws OverlayError `aborted` if that failed. */
export async function succeeded(before: CommitUnderWay): Promise<void> {
  try {
    await before.outcome;
  } catch (cause) {
    throw behindFailed(cause);
  }
}
