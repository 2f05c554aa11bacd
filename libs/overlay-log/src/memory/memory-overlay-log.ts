import { OverlayError } from '@overlay/failure';
import { type LogRecord, type Mutation, refOf } from '@overlay/model';
import { CommitSignal } from '../commit-signal.js';
import { LeaderFeed } from '../leader-feed.js';
import { decodeRecord, encodeRecord } from '../log-codec.js';
import {
  alreadyExists,
  campaignAborted,
  fenceVoid,
  historyGone,
  logClosed,
  notBehind,
  requireFits,
} from '../log-failures.js';
import { keyOf } from '../log-keys.js';
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

/**
 * What a {@link MemoryOverlayLog} keeps; hand it to a new log to reopen what the old one left, or to several logs
 * that then are like several processes on one store.
 */
export class MemoryLogStore {
  readonly records = new Map<string, string>();
  history: readonly LogChange[] = [];
  revision = 0n;
  /** What the last commit left. */
  mark = '';
  epoch = 0n;
  /** Wakes watchers and campaigns. */
  readonly changes = new CommitSignal();
  readonly leader = new LeaderFeed();
  /** Aborts when who leads now leads no more. */
  lead = new AbortController();
  /** The log whose candidate leads. */
  holder: MemoryOverlayLog | undefined;
}

const MAX_MUTATIONS = 10_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** How the next commit fails: `unknown-…` answers `unavailable` although the batch was or was not applied. */
export type CommitFault = 'unknown-applied' | 'unknown-not-applied' | 'fenced' | 'full';

/**
 * A stateful overlay log in memory that keeps the port's contract; its commits can be made to fail. A campaign is
 * won at once, unless a candidate of another open log on the same store leads: then it waits.
 */
export class MemoryOverlayLog implements OverlayLog {
  readonly maxMutations = MAX_MUTATIONS;
  readonly maxBytes = MAX_BYTES;
  readonly store: MemoryLogStore;
  readonly #historyLength: number;
  readonly #closing = new AbortController();
  readonly #faults: CommitFault[] = [];

  constructor(store: MemoryLogStore = new MemoryLogStore(), historyLength = 10_000) {
    this.store = store;
    this.#historyLength = historyLength;
  }

  /** Makes the next commit fail; several calls queue up. */
  failNextCommit(fault: CommitFault): void {
    this.#faults.push(fault);
  }

  async load(): Promise<LogSnapshot> {
    this.#requireOpen();
    const entries = [...this.store.records];
    async function* read(): AsyncGenerator<readonly LogRecord[]> {
      if (entries.length > 0) yield entries.map(([key, text]) => decodeRecord(key, text));
    }
    return { revision: this.store.revision, term: termOfMark(this.store.mark), records: read() };
  }

  async commit(mutations: readonly Mutation[], fence: Fence, order?: CommitOrder): Promise<bigint> {
    this.#requireOpen();
    requireFits(mutations, this);
    const fault = this.#faults.shift();
    if (fault === 'fenced') {
      this.#beginEpoch('another candidate');
      throw fenceVoid(fence);
    }
    if (fault === 'full') {
      throw new OverlayError('resource_exhausted', 'the overlay log is full; nothing was committed');
    }
    if (fault !== 'unknown-not-applied') this.#apply(mutations, fence, order);
    if (fault !== undefined) {
      throw new OverlayError('unavailable', 'whether the commit happened is unknown; repeat the request');
    }
    return this.store.revision;
  }

  async *watch(fromRevision: bigint, signal: AbortSignal): AsyncIterable<LogChange> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    let seen = fromRevision;
    while (!stop.aborted) {
      const next = this.store.changes.next(stop);
      for (const change of this.#changesAfter(seen)) {
        if (stop.aborted) return;
        seen = change.revision;
        yield change;
      }
      if (seen === this.store.revision) await next;
    }
  }

  watchLeader(signal: AbortSignal): AsyncIterable<string | undefined> {
    return this.store.leader.watch(AbortSignal.any([signal, this.#closing.signal]));
  }

  async campaign(candidate: string, signal: AbortSignal): Promise<Leadership> {
    this.#requireOpen();
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    while (!stop.aborted && this.store.holder !== undefined && this.store.holder !== this) {
      await this.store.changes.next(stop);
    }
    if (stop.aborted) throw campaignAborted(candidate);
    this.#beginEpoch(candidate);
    this.store.holder = this;
    const fence: Fence = { candidate, epoch: this.store.epoch };
    const resign = async (): Promise<void> => {
      if (this.#holds(fence)) this.#beginEpoch(undefined);
    };
    return { fence, lost: this.store.lead.signal, isOver: () => !this.#holds(fence), resign };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    if (this.store.holder === this) this.#beginEpoch(undefined);
  }

  #apply(mutations: readonly Mutation[], fence: Fence, order?: CommitOrder): void {
    if (!this.#holds(fence)) throw fenceVoid(fence);
    if (order?.behind !== undefined && this.store.mark !== markOf(fence, order.behind)) throw notBehind();
    const after = new Map<string, string | undefined>();
    for (const mutation of mutations) {
      const key = keyOf(mutation.op === 'delete' ? mutation.ref : refOf(mutation.record));
      const exists = after.has(key) ? after.get(key) !== undefined : this.store.records.has(key);
      if (mutation.op === 'create' && exists) throw alreadyExists(key);
      after.set(key, mutation.op === 'delete' ? undefined : encodeRecord(mutation.record));
    }
    for (const [key, text] of after) {
      if (text === undefined) this.store.records.delete(key);
      else this.store.records.set(key, text);
    }
    this.store.revision += 1n;
    this.store.mark = markOf(fence, order?.number);
    const { revision } = this.store;
    const change = { revision, term: termOf(fence), mutations: structuredClone(mutations) };
    this.store.history = [...this.store.history, change].slice(-this.#historyLength);
    this.store.changes.fire();
  }

  #changesAfter(seen: bigint): readonly LogChange[] {
    const { history, revision } = this.store;
    const oldest = history[0]?.revision ?? revision + 1n;
    if (seen > revision || seen + 1n < oldest) throw historyGone(seen, oldest, revision);
    return history.slice(Number(seen + 1n - oldest));
  }

  #holds(fence: Fence): boolean {
    return this.store.epoch === fence.epoch && this.store.leader.leader === fence.candidate;
  }

  #beginEpoch(leader: string | undefined): void {
    this.store.lead.abort();
    this.store.lead = new AbortController();
    this.store.holder = undefined;
    this.store.epoch += 1n;
    this.store.leader.tell(leader);
    this.store.changes.fire();
  }

  #requireOpen(): void {
    if (this.#closing.signal.aborted) throw logClosed();
  }
}
