import { OverlayError } from '@overlay/failure';
import type { Mutation } from '@overlay/model';
import { boundBytes, type CommitLimits, CommitRoom } from './commit-room.js';
import type { Fence } from './overlay-log.js';

/** The failure of a commit whose `create` met an entry that is there. */
export function alreadyExists(key: string): OverlayError {
  return new OverlayError(
    'already_exists',
    `the overlay log has an entry "${key}" already; nothing was committed`,
  );
}

/** The failure of a commit under a fence that is void. */
export function fenceVoid(fence: Fence): OverlayError {
  const who = `${fence.candidate} (campaign ${fence.epoch})`;
  return new OverlayError('aborted', `${who} leads no more; nothing was committed, retry at the new leader`);
}

/** The failure of a commit that has to be behind one that is not in the log. */
export function notBehind(): OverlayError {
  const message =
    'the commit before this one is not in the log, so nothing of this one was committed: try again';
  return new OverlayError('aborted', message);
}

/**
 * Makes sure that a batch is not too large for one commit.
 * @throws OverlayError `invalid_argument`.
 */
export function requireFits(mutations: readonly Mutation[], limits: CommitLimits): void {
  if (new CommitRoom(limits).take(mutations)) return;
  throw new OverlayError('invalid_argument', `${tooLarge(mutations, limits)}; nothing was committed`);
}

/** What is wrong with a batch that is too large for one commit. */
export function tooLarge(mutations: readonly Mutation[], { maxMutations, maxBytes }: CommitLimits): string {
  const has = `${mutations.length} changes in ${boundBytes(mutations)} bytes`;
  return `a commit has at most ${maxMutations} changes in ${maxBytes} bytes, and this one would have ${has}`;
}

/** The failure of a watch whose starting point is not in the history. */
export function historyGone(fromRevision: bigint, oldest: bigint, newest: bigint): OverlayError {
  const kept = `the history has revisions ${oldest} to ${newest}`;
  return new OverlayError(
    'failed_precondition',
    `cannot watch from revision ${fromRevision}: ${kept}; load again`,
  );
}

/** The failure of any call on a log that was closed. */
export function logClosed(): OverlayError {
  return new OverlayError('unavailable', 'the overlay log is closed');
}

/** The failure of a campaign that was called off. */
export function campaignAborted(candidate: string): OverlayError {
  return new OverlayError('aborted', `the campaign of ${candidate} was called off`);
}
