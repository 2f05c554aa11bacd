import { type TopologyChange, TopologyFrameKind } from '@overlay/contracts';
import type { LogRecord, Mutation } from '@overlay/model';
import type { ClusterRecords } from '../cluster/cluster-records.js';
import { type EncodedFrame, encodeChanges, encodeSynced } from './encode-frame.js';
import { changeOfRecord, type RenderAddressSpace, topologyChangesOf } from './topology-changes.js';
import { TopologyHistory } from './topology-history.js';
import { WatcherQueue } from './watcher-queue.js';

/** What the feed is made of. */
export interface TopologyFeedOptions {
  /** The committed records as they are now. */
  readonly records: () => ClusterRecords;
  /** Revision of the records. */
  readonly revision: bigint;
  readonly renderAddressSpace: RenderAddressSpace;
  /** How long changes are gathered before they are sent together, in milliseconds. */
  readonly batchMs: number;
  /** How many batches are kept for watchers that resume. */
  readonly historyLength: number;
}

/** Frames between two turns of the event loop while a snapshot is encoded. */
const SNAPSHOT_FRAMES_PER_TURN = 4;

/**
 * Streams the topology to any number of watchers. Each delta is encoded once for all. A snapshot is read from
 * the living records piece by piece: what changes meanwhile comes again as a delta before the synced mark, and a
 * change carries the whole peer, so the watcher ends with the truth.
 */
export class TopologyFeed {
  readonly #options: TopologyFeedOptions;
  #history: TopologyHistory;
  readonly #watchers = new Set<WatcherQueue>();
  #pending: TopologyChange[] = [];
  #pendingRevision: bigint;
  #firstResumable = 1n;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TopologyFeedOptions) {
    this.#options = options;
    this.#history = new TopologyHistory(options.historyLength, options.revision);
    this.#pendingRevision = options.revision;
  }

  /** Revision that a registering node's answer carries: everything committed so far. */
  get revision(): bigint {
    return this.#pendingRevision;
  }

  /** Number of open watches. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Takes over a commit; the records must hold it already. */
  publish(mutations: readonly Mutation[], revision: bigint): void {
    this.#pending.push(...topologyChangesOf(mutations, this.#options.renderAddressSpace));
    this.#pendingRevision = revision;
    this.#timer ??= setTimeout(() => this.#flush(), this.#options.batchMs);
  }

  /**
   * Begins anew after the log was loaded again: what watchers were told may differ from it, so each is cut off
   * and gets a snapshot when it comes back.
   */
  restart(revision: bigint): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = [];
    this.#pendingRevision = revision;
    this.#history = new TopologyHistory(this.#options.historyLength, revision);
    this.#firstResumable = revision + 1n;
    for (const watcher of this.#watchers) watcher.cutOff();
  }

  /** Stops the timer. */
  close(): void {
    clearTimeout(this.#timer);
  }

  /**
   * Yields encoded frames: deltas since the revision if the history reaches there, else a snapshot; the synced
   * mark; then deltas until the signal aborts.
   * @throws OverlayError `aborted` if the watcher was cut off.
   */
  async *watch(fromRevision: bigint, signal: AbortSignal): AsyncGenerator<EncodedFrame> {
    this.#flush();
    const queue = new WatcherQueue();
    this.#watchers.add(queue);
    try {
      const missed = this.#resumable(fromRevision);
      if (missed !== undefined) {
        const synced = encodeSynced(this.#history.latest);
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

  /** A revision from before a restart may name a commit that the log never took. */
  #resumable(fromRevision: bigint) {
    return fromRevision < this.#firstResumable ? undefined : this.#history.since(fromRevision);
  }

  async *#snapshot(): AsyncGenerator<EncodedFrame> {
    const revision = this.#history.latest;
    let frames = 0;
    for (const frame of encodeChanges(TopologyFrameKind.SNAPSHOT, revision, this.#everything())) {
      yield frame;
      frames += 1;
      if (frames % SNAPSHOT_FRAMES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // Deltas that came meanwhile wait in the queue and may repeat what the snapshot says.
    yield encodeSynced(revision);
  }

  *#everything(): Generator<TopologyChange> {
    for (const record of recordsInOrder(this.#options.records())) {
      const change = changeOfRecord(record, this.#options.renderAddressSpace);
      if (change !== undefined) yield change;
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const revision = this.#pendingRevision;
    if (revision === this.#history.latest) return;
    const frames = [...encodeChanges(TopologyFrameKind.DELTA, revision, this.#pending)];
    this.#pending = [];
    this.#history.add({ revision, frames });
    for (const frame of frames) for (const watcher of this.#watchers) watcher.push(frame);
  }
}

function* recordsInOrder(records: ClusterRecords): Generator<LogRecord> {
  if (records.addressSpace !== undefined) yield { kind: 'address-space', addressSpace: records.addressSpace };
  for (const network of records.networks.values()) yield { kind: 'network', network };
  for (const node of records.nodes.values()) yield { kind: 'node', node };
}
