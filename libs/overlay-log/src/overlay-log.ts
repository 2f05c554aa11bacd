import type { LogRecord, Mutation } from '@overlay/model';
import type { CommitLimits } from './commit-room.js';

/** Proof of leadership that every commit carries. A newer campaign that was won makes all older fences void. */
export interface Fence {
  /** Who leads: a word that no other process uses. */
  readonly candidate: string;
  /** Number of the won campaign; grows with each. */
  readonly epoch: bigint;
}

/**
 * A place in the history of a log. Two logs that have the same place have the same history up to there, also where one
 * was restored from a backup of the other: it goes on under campaigns of its own.
 */
export interface LogPosition {
  /** Revision of a commit; 0 for an empty log. */
  readonly revision: bigint;
  /** The campaign under which that commit was made, see {@link termOf}; '' where the log does not tell. */
  readonly term: string;
}

/** The whole log at one revision, that of its last commit. */
export interface LogSnapshot extends LogPosition {
  /** Every record, in batches, each record once, in no order that a caller may rely on. */
  readonly records: AsyncIterable<readonly LogRecord[]>;
}

/**
 * One commit as a watcher sees it: what it changed. A driver may tell several mutations of one entry as their
 * outcome, the `put` of a new entry as a `create`, and leave out the deletion of what was not there.
 */
export interface LogChange extends LogPosition {
  readonly mutations: readonly Mutation[];
}

/** Leadership that was won. */
export interface Leadership {
  readonly fence: Fence;
  /**
   * Aborts when leadership is known to be lost, and also when the lease could not be renewed in time by this
   * process's own monotonic clock: a process that was paused sees the abort before it writes again. A commit
   * may be refused earlier than that.
   */
  readonly lost: AbortSignal;
  /**
   * Asks now whether leadership is over, as far as this process can know without asking the store: by the lease's time on
   * the monotonic clock, also where {@link lost} had no chance to abort yet. Who answers from memory asks before.
   */
  isOver(): boolean;
  /** Gives leadership up. Repeatable. */
  resign(): Promise<void>;
}

/** A commit's place among those of its fence, for a leader that has several on their way at once. */
export interface CommitOrder {
  /** No other commit under the fence has it. */
  readonly number: number;
  /** The number of the commit that has to be the last in the log when this one happens; any will do without it. */
  readonly behind?: number;
}

/** The text of a campaign that was won, which no other campaign has, in this log or in a copy of it. */
export function termOf({ candidate, epoch }: Fence): string {
  return `${candidate} ${epoch}`;
}

/** The text that a commit leaves in the log, by which the next can tell that this one is there. */
export function markOf(fence: Fence, number?: number): string {
  return number === undefined ? termOf(fence) : `${termOf(fence)} ${number}`;
}

/** The term of the commit that left a mark; '' for no mark. */
export function termOfMark(mark: string): string {
  return mark.split(' ', 2).join(' ');
}

/**
 * The persisted log of every assignment. Drivers: `EmbeddedOverlayLog` (one process, lmdb); each passes the
 * contract in `@overlay/overlay-log/testing`.
 */
export interface OverlayLog extends CommitLimits {
  /**
   * Reads the whole log at one revision.
   * @throws OverlayError `data_loss` naming the key of a record that cannot be read, `failed_precondition` for
   * a log of an unknown format version, `unavailable` if the store cannot be reached.
   */
  load(): Promise<LogSnapshot>;

  /**
   * Commits a batch atomically; when the promise resolves, the batch is durable. Resolves with its revision,
   * which is greater than that of every commit before. The promises of commits that are under way at once may settle
   * in another order than they happen in.
   * @param order lets a commit be called before the one that it rests on is done.
   * @throws OverlayError `already_exists` if a `create` meets an existing entry (nothing was committed; the
   * message names the entry), `aborted` if the fence is void or the commit that this one has to be behind is not in the
   * log (nothing was committed), `resource_exhausted` if
   * the store is full (nothing was committed), `invalid_argument` if the batch has more than `maxMutations`
   * or `maxBytes` (nothing was committed), `unavailable` if the outcome is unknown.
   */
  commit(mutations: readonly Mutation[], fence: Fence, order?: CommitOrder): Promise<bigint>;

  /**
   * Yields every commit after `fromRevision` in order, then each new one as it happens, until the signal
   * aborts (the iteration then ends without an error).
   * @throws OverlayError `failed_precondition` if the history before is gone: load again.
   */
  watch(fromRevision: bigint, signal: AbortSignal): AsyncIterable<LogChange>;

  /**
   * Yields the text of the candidate that leads now, `undefined` while nobody does, then each change, until the
   * signal aborts or the log is closed (the iteration then ends without an error). Who reads slowly sees the
   * newest state only. A store that cannot be reached is waited for; after a while nobody counts as leading.
   */
  watchLeader(signal: AbortSignal): AsyncIterable<string | undefined>;

  /**
   * Waits until this candidate leads.
   * @throws OverlayError `aborted` if the signal aborts first.
   */
  campaign(candidate: string, signal: AbortSignal): Promise<Leadership>;

  /** Releases files and connections. Repeatable. */
  close(): Promise<void>;
}
