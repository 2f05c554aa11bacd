import type { CommitSize } from '@overlay/disk-room';
import { OverlayError } from '@overlay/failure';
import type { LogRecord, Mutation } from '@overlay/model';
import { CommitSignal } from '../commit-signal.js';
import { LeaderFeed } from '../leader-feed.js';
import {
  decodeMutations,
  decodeRecord,
  type EncodedMutation,
  encodeMutation,
  joinMutations,
} from '../log-codec.js';
import {
  alreadyExists,
  campaignAborted,
  fenceVoid,
  historyGone,
  logClosed,
  notBehind,
  requireFits,
} from '../log-failures.js';
import {
  type CommitOrder,
  type Fence,
  type Leadership,
  type LogChange,
  type LogSnapshot,
  markOf,
  type OverlayLog,
  termOf,
  termOfMark,
} from '../overlay-log.js';
import { diskFailure } from './disk-failure.js';
import { type LogDatabase, openLogDatabase, openLogDatabaseReadOnly } from './log-database.js';

/** Where an embedded log lives and how much it remembers. */
export interface EmbeddedOverlayLogOptions {
  /** Absolute path of its folder; created if missing. */
  readonly dir: string;
  /** How many commits a watcher may lie behind before it has to load again; 10,000 if absent. */
  readonly historyLength?: number;
  /**
   * True to look at a log without touching it, also while a master runs on it: commits and campaigns fail with
   * `failed_precondition`, and a folder without a log is `not_found` instead of created.
   */
  readonly readOnly?: boolean;
}

const DEFAULT_HISTORY_LENGTH = 10_000;
const LOAD_BATCH = 1_000;
const MAX_MUTATIONS = 10_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** What a change of leader writes. */
const EPOCH_SIZE: CommitSize = { keys: 2, bytes: 1_024 };
/** The batch in the history, the revision, the mark, and a batch that is old enough to go. */
const KEYS_BESIDE_CHANGES = 4;
const REVISION = 'meta/revision';
const EPOCH = 'meta/epoch';
const LEADER = 'meta/leader';
const MARK = 'meta/mark';

/**
 * Opens the log of a master that stands alone: an lmdb database in a folder. A commit is one transaction, synced
 * to disk before it answers; killing the process at any moment loses nothing that was answered. A campaign is
 * won at once and makes the fences of every earlier one void, also those of another process on the same folder.
 * @throws OverlayError `resource_exhausted`, `data_loss`, `failed_precondition` (a folder that cannot be used, an unknown
 * format) or, with `readOnly`, `not_found`.
 */
export async function openEmbeddedOverlayLog(options: EmbeddedOverlayLogOptions): Promise<OverlayLog> {
  const { dir, historyLength = DEFAULT_HISTORY_LENGTH, readOnly = false } = options;
  const database = readOnly ? await openLogDatabaseReadOnly(dir) : await openLogDatabase(dir);
  return new EmbeddedOverlayLog(database, { dir, historyLength, readOnly });
}

class EmbeddedOverlayLog implements OverlayLog {
  readonly maxMutations = MAX_MUTATIONS;
  readonly maxBytes = MAX_BYTES;
  readonly #database: LogDatabase;
  readonly #dir: string;
  readonly #historyLength: number;
  readonly #readOnly: boolean;
  readonly #commits = new CommitSignal();
  readonly #leader = new LeaderFeed();
  readonly #closing = new AbortController();
  readonly #readers = new Set<() => void>();
  #lead = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(database: LogDatabase, options: Required<EmbeddedOverlayLogOptions>) {
    this.#database = database;
    this.#dir = options.dir;
    this.#historyLength = options.historyLength;
    this.#readOnly = options.readOnly;
  }

  async load(): Promise<LogSnapshot> {
    this.#requireOpen();
    const { root, records, meta } = this.#database;
    // lmdb goes on with the read transaction of a moment ago unless told that another process may have written.
    root.resetReadTxn();
    const transaction = root.useReadTransaction();
    const done = (): void => {
      if (this.#readers.delete(done)) transaction.done();
    };
    this.#readers.add(done);
    const revision = BigInt(meta.get(REVISION, { transaction }) ?? 0);
    const term = termOfMark(meta.get(MARK, { transaction }) ?? '');
    const dir = this.#dir;
    async function* read(): AsyncGenerator<readonly LogRecord[]> {
      try {
        let batch: LogRecord[] = [];
        for (const { key, value } of records.getRange({ transaction })) {
          batch.push(decodeRecord(key, value));
          if (batch.length < LOAD_BATCH) continue;
          yield batch;
          batch = [];
        }
        if (batch.length > 0) yield batch;
      } catch (thrown) {
        throw diskFailure(thrown, 'read', dir);
      } finally {
        done();
      }
    }
    return { revision, term, records: read() };
  }

  async commit(mutations: readonly Mutation[], fence: Fence, order?: CommitOrder): Promise<bigint> {
    requireFits(mutations, this);
    const changes = mutations.map(encodeMutation);
    const term = termOf(fence);
    const size = sizeOfCommit(changes, term);
    const revision = await this.#transact('write', size, () => {
      const { meta } = this.#database;
      if (!this.#holds(fence)) throw fenceVoid(fence);
      if (order?.behind !== undefined && meta.get(MARK) !== markOf(fence, order.behind)) throw notBehind();
      meta.putSync(MARK, markOf(fence, order?.number));
      return this.#apply(changes, term);
    });
    this.#commits.fire();
    return revision;
  }

  async *watch(fromRevision: bigint, signal: AbortSignal): AsyncIterable<LogChange> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    let seen = fromRevision;
    while (!stop.aborted) {
      const next = this.#commits.next(stop);
      for (const change of this.#changesAfter(seen)) {
        if (stop.aborted) return;
        seen = change.revision;
        yield change;
      }
      if (seen === this.#revision()) await next;
    }
  }

  watchLeader(signal: AbortSignal): AsyncIterable<string | undefined> {
    return this.#leader.watch(AbortSignal.any([signal, this.#closing.signal]));
  }

  async campaign(candidate: string, signal: AbortSignal): Promise<Leadership> {
    if (signal.aborted) throw campaignAborted(candidate);
    const epoch = await this.#transact('write', EPOCH_SIZE, () => this.#beginEpoch(candidate));
    this.#lead.abort();
    const lead = new AbortController();
    this.#lead = lead;
    this.#leader.tell(candidate);
    const fence: Fence = { candidate, epoch };
    const resign = async (): Promise<void> => {
      lead.abort();
      if (this.#lead === lead) this.#leader.tell(undefined);
      if (this.#closed !== undefined) return;
      await this.#transact('write', EPOCH_SIZE, () => (this.#holds(fence) ? this.#beginEpoch('') : epoch));
    };
    // Another process on the folder may have won a campaign, which nothing tells here.
    const isOver = (): boolean => lead.signal.aborted || !this.#holdsNow(fence);
    return { fence, lost: lead.signal, isOver, resign };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.#lead.abort();
    for (const done of [...this.#readers]) done();
    await this.#database.close();
  }

  /** Runs `change` in a transaction that is rolled back if it throws; resolves when it is on disk. */
  async #transact(doing: string, size: CommitSize, change: () => bigint): Promise<bigint> {
    this.#requireOpen();
    if (this.#readOnly) {
      const message = `cannot ${doing} the overlay log in ${this.#dir}: it was opened to be read only`;
      throw new OverlayError('failed_precondition', message);
    }
    try {
      this.#database.room.ensure(size);
      return await this.#database.root.childTransaction(change);
    } catch (thrown) {
      throw diskFailure(thrown, doing, this.#dir);
    }
  }

  #apply(changes: readonly EncodedMutation[], term: string): bigint {
    const { records, history, meta } = this.#database;
    for (const { op, key, text } of changes) {
      // Asked within the transaction, so an entry that the batch itself made counts too.
      if (op === 'create' && records.doesExist(key)) throw alreadyExists(key);
      if (text === undefined) records.removeSync(key);
      else records.putSync(key, text);
    }
    const revision = this.#revision() + 1n;
    history.putSync(Number(revision), encodeHistory(term, changes));
    meta.putSync(REVISION, String(revision));
    const oldest = Number(revision) - this.#historyLength;
    for (const old of [...history.getKeys({ end: oldest + 1 })]) history.removeSync(old);
    return revision;
  }

  #holds(fence: Fence): boolean {
    const { meta } = this.#database;
    return meta.get(EPOCH) === String(fence.epoch) && meta.get(LEADER) === fence.candidate;
  }

  /** The same outside a transaction; lmdb goes on with the read transaction of a moment ago unless told otherwise. */
  #holdsNow(fence: Fence): boolean {
    this.#database.root.resetReadTxn();
    return this.#holds(fence);
  }

  #beginEpoch(leader: string): bigint {
    const { meta } = this.#database;
    const epoch = BigInt(meta.get(EPOCH) ?? 0) + 1n;
    meta.putSync(EPOCH, String(epoch));
    meta.putSync(LEADER, leader);
    return epoch;
  }

  #changesAfter(seen: bigint): readonly LogChange[] {
    const { history } = this.#database;
    const newest = this.#revision();
    const [first] = history.getKeys({ limit: 1 });
    const oldest = first === undefined ? newest + 1n : BigInt(first);
    if (seen > newest || seen + 1n < oldest) throw historyGone(seen, oldest, newest);
    const start = Number(seen) + 1;
    const entries = [...history.getRange({ start, limit: LOAD_BATCH })];
    return entries.map(({ key, value }) => decodeHistory(BigInt(key), value));
  }

  #revision(): bigint {
    return BigInt(this.#database.meta.get(REVISION) ?? 0);
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw logClosed();
  }
}

/** A commit as the history keeps it: a line with its term, then its changes. */
function encodeHistory(term: string, changes: readonly EncodedMutation[]): string {
  return `${term}\n${joinMutations(changes)}`;
}

/** The commit that {@link encodeHistory} wrote. Earlier releases left the term out. */
function decodeHistory(revision: bigint, text: string): LogChange {
  const line = text.indexOf('\n');
  return {
    revision,
    term: text.slice(0, Math.max(line, 0)),
    mutations: decodeMutations(revision, text.slice(line + 1)),
  };
}

/** The term and every change are written twice: as the mark or a record, and within the history. */
function sizeOfCommit(changes: readonly EncodedMutation[], term: string): CommitSize {
  const bytes = changes.reduce(
    (sum, { key, text = '' }) => sum + key.length + Buffer.byteLength(text) + 16,
    term.length,
  );
  return { keys: changes.length + KEYS_BESIDE_CHANGES, bytes: 2 * bytes };
}
