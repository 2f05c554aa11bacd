import type { TopologyChange } from '@overlay/contracts';
import type { LogRecord, Mutation } from '@overlay/model';
import type { LogPosition } from '@overlay/overlay-log';
import type { ClusterRecords } from '../cluster/cluster-records.js';
import { type EncodedFrame, encodeDeltas, encodeSnapshot, encodeSynced } from './encode-frame.js';
import { shortenTerm } from './shorten-term.js';
import { changeOfRecord, type RenderAddressSpace, topologyChangesOf } from './topology-changes.js';
import { TopologyHistory } from './topology-history.js';
import { WatcherQueue } from './watcher-queue.js';

/** What the feed is made of. */
export interface TopologyFeedOptions {
  /** The committed records, which change in place. */
  readonly records: ClusterRecords;
  readonly renderAddressSpace: RenderAddressSpace;
  /** How long changes are gathered before they are sent together, in milliseconds. */
  readonly batchMs: number;
  /** How many batches are kept for watchers that resume. */
  readonly historyLength: number;
}

/** Frames between two turns of the event loop while a snapshot is encoded. */
const SNAPSHOT_FRAMES_PER_TURN = 4;
/** How long a watcher from the future waits for its revision, in milliseconds. */
const CATCH_UP_MS = 2_000;

/**
 * Streams the topology to any number of watchers. Each delta is encoded once for all. A snapshot is read from
 * the living records piece by piece: what changes meanwhile comes again as a delta before the synced mark, and a
 * change carries the whole peer, so the watcher ends with the truth.
 */
export class TopologyFeed {
  readonly #options: TopologyFeedOptions;
  readonly #history: TopologyHistory;
  readonly #watchers = new Set<WatcherQueue>();
  #pending: TopologyChange[] = [];
  /** Where the pending changes lead, with a shortened term, as everywhere here. */
  #position: LogPosition = { revision: 0n, term: '' };
  #timer: NodeJS.Timeout | undefined;
  #stale = '';

  constructor(options: TopologyFeedOptions) {
    this.#options = options;
    this.#history = new TopologyHistory(options.historyLength);
  }

  /** Revision that a registering node's answer carries: everything committed so far. */
  get revision(): bigint {
    return this.#position.revision;
  }

  /** Number of open watches. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** The log was loaded for the first time: what stands in the records is where the history begins. */
  begin(loaded: LogPosition): void {
    this.#position = shortened(loaded);
    this.#history.add({ ...this.#position, frames: [] });
  }

  /** Takes over a commit; the records must hold it already. */
  publish(mutations: readonly Mutation[], committed: LogPosition): void {
    const position = shortened(committed);
    // No delta has commits of two terms: the history tells the term of each commit by the delta that it is in.
    if (position.term !== this.#position.term) this.#flush();
    this.#pending.push(...topologyChangesOf(mutations, this.#options.renderAddressSpace));
    this.#position = position;
    this.#timer ??= setTimeout(() => this.#flush(), this.#options.batchMs);
  }

  /** Takes over a log that was loaded anew, by its difference to what was known; the records must hold it already. */
  leap(difference: readonly Mutation[], loaded: LogPosition): void {
    this.#flush();
    this.publish(difference, loaded);
    this.#flush(true);
  }

  /** Says why the topology may be out of date, '' when it is current; watchers are told with a synced mark. */
  setStale(reason: string): void {
    if (reason === this.#stale) return;
    this.#stale = reason;
    const synced = encodeSynced(this.#history.latest, reason);
    for (const watcher of this.#watchers) watcher.push(synced);
  }

  /** Stops the timer. */
  close(): void {
    clearTimeout(this.#timer);
  }

  /**
   * Yields encoded frames: deltas since the revision if the history reaches there and has its term there, else a
   * snapshot; the synced mark; then deltas until the signal aborts.
   * @param from what the last frame said; revision 0 for a snapshot, term '' to go by the revision alone.
   * @throws OverlayError `aborted` if the watcher was cut off.
   */
  async *watch(from: LogPosition, signal: AbortSignal): AsyncGenerator<EncodedFrame> {
    this.#flush();
    if (from.revision > this.#history.latest.revision) await this.#reached(from.revision, signal);
    const queue = new WatcherQueue();
    this.#watchers.add(queue);
    try {
      const missed = from.revision === 0n ? undefined : this.#history.since(from);
      if (missed !== undefined) {
        const synced = encodeSynced(this.#history.latest, this.#stale);
        for (const { frames } of missed) yield* frames;
        yield synced;
      } else {
        yield* this.#snapshot();
      }
      yield* queue.drain(signal);
    } finally {
      this.#watchers.delete(queue);
    }
  }

  /**
   * A watcher that comes from another master may know a revision that has not arrived here yet: it is waited for
   * shortly, and gets a snapshot else.
   */
  async #reached(revision: bigint, signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; waitedMs < CATCH_UP_MS && !signal.aborted; waitedMs += this.#options.batchMs) {
      if (this.#history.latest.revision >= revision) return;
      await new Promise((resolve) => setTimeout(resolve, this.#options.batchMs));
    }
  }

  async *#snapshot(): AsyncGenerator<EncodedFrame> {
    const position = this.#history.latest;
    let frames = 0;
    for (const frame of encodeSnapshot(position, this.#everything())) {
      yield frame;
      frames += 1;
      if (frames % SNAPSHOT_FRAMES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // Deltas that came meanwhile wait in the queue and may repeat what the snapshot says.
    yield encodeSynced(position, this.#stale);
  }

  *#everything(): Generator<TopologyChange> {
    for (const record of recordsInOrder(this.#options.records)) {
      const change = changeOfRecord(record, this.#options.renderAddressSpace);
      if (change !== undefined) yield change;
    }
  }

  #flush(isLeap = false): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const position = this.#position;
    const { latest } = this.#history;
    if (position.revision === latest.revision && position.term === latest.term) return;
    const frames = [...encodeDeltas(latest, position, this.#pending)];
    this.#pending = [];
    this.#history.add({ ...position, frames, isLeap });
    for (const frame of frames) for (const watcher of this.#watchers) watcher.push(frame);
  }
}

function shortened({ revision, term }: LogPosition): LogPosition {
  return { revision, term: shortenTerm(term) };
}

function* recordsInOrder(records: ClusterRecords): Generator<LogRecord> {
  if (records.addressSpace !== undefined) yield { kind: 'address-space', addressSpace: records.addressSpace };
  for (const network of records.networks.values()) yield { kind: 'network', network };
  for (const node of records.nodes.values()) yield { kind: 'node', node };
}
