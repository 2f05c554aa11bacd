import { OverlayError, toOverlayError } from '@overlay/failure';
import type { NetworkId, NodeId } from '@overlay/model';
import { type BackoffPolicy, backoffMs } from '@overlay/rpc';
import type { Clock, Logger } from '@overlay/service';
import type { ApplyCause, DataplaneMetrics } from '../dataplane-metrics.js';
import type { HostDescription } from '../desired/host-description.js';
import type { PeerDescription } from '../desired/peer-description.js';
import { type KernelObject, keyOf } from '../kernel/kernel-object.js';
import type { CheckScope } from './check-scope.js';
import type { PurgeReport } from './purge-kernel.js';
import type { DriftReport, Reconciler } from './reconciler.js';

/** Frames that come within this time are written together. */
const COALESCE_MS = 10;
/** So many changes that wait go before a check: while the kernel is filled, events get lost and all checks are full. */
const BULK = 1_000;
/** Entries to write whose echo would cost more than they do. */
const LOUD = 4_000;
/** Changes in one batch: longer ones would keep the process from answering, and its connections would be given up. */
const BATCH_PEERS = 8_000;
const RETRY: BackoffPolicy = { baseMs: 1_000, capMs: 60_000 };

/** What the loop works with. */
export interface ApplyLoopOptions {
  readonly reconciler: Reconciler;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: DataplaneMetrics;
}

/** Changes of the topology, see `FrameStep`. */
export interface PeerStep {
  readonly peers: ReadonlyMap<NodeId, PeerDescription | undefined>;
  readonly snapshot: ReadonlySet<NodeId> | undefined;
  readonly revision: bigint | undefined;
}

/**
 * Brings the calls of many into one order: one write to the kernel at a time, frames that come meanwhile gathered
 * into one batch, and what failed tried again with backoff.
 */
export class ApplyLoop {
  readonly #options: ApplyLoopOptions;
  readonly #closing = new AbortController();
  #tail: Promise<unknown> = Promise.resolve();
  readonly #pending = new Map<NodeId, PeerDescription | undefined>();
  /** How many changes of the next batch the reconciler has taken already, while it writes the one before. */
  #ahead = 0;
  #writing = false;
  #pendingComplete = false;
  #pendingRevision: bigint | undefined;
  /** The batch that waits. */
  #flush: Promise<void> | undefined;
  /** The batch under way, if any. */
  #flushing: Promise<void> = Promise.resolve();
  #appliedRevision = 0n;
  #peerWrites = 0;
  #attempt = 0;
  #retrying = false;
  #bulk = false;
  #onBulk: ((bulk: boolean) => void) | undefined;

  constructor(options: ApplyLoopOptions) {
    this.#options = options;
  }

  /** Topology revision that is in the kernel; 0 before the first. */
  get appliedRevision(): bigint {
    return this.#options.reconciler.host === undefined ? 0n : this.#appliedRevision;
  }

  /**
   * Tells when thousands of entries start being written, so that the kernel changes faster than anybody can follow, and
   * when they are done. One listener.
   */
  followBulk(listener: (bulk: boolean) => void): void {
    this.#onBulk = listener;
  }

  /** How many objects were written for peers so far. */
  get peerWrites(): number {
    return this.#peerWrites;
  }

  /**
   * Makes the kernel as described. Returns how many objects were written.
   * @param signal aborted while it waits behind others: it is left out, for whoever asked has gone
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read; it is tried again by itself.
   */
  applyHost(host: HostDescription, signal?: AbortSignal): Promise<number> {
    return this.#enqueue('host', () => this.#options.reconciler.applyHost(host), signal);
  }

  /** Takes changes of the topology; they reach the kernel soon, together with what comes until then. */
  takePeers({ peers, snapshot, revision }: PeerStep): void {
    for (const [nodeId, peer] of peers) this.#pending.set(nodeId, peer);
    if (snapshot !== undefined) {
      const known = [...this.#options.reconciler.peerIds(), ...this.#pending.keys()];
      for (const nodeId of known) if (!snapshot.has(nodeId)) this.#pending.set(nodeId, undefined);
      this.#pendingComplete = true;
    }
    if (revision !== undefined) this.#pendingRevision = revision;
    if (this.#writing) this.#planAhead();
    this.#flushPending(COALESCE_MS);
  }

  /**
   * Looks at a part of the kernel again and repairs what others changed.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read; it is tried again by itself.
   */
  async check(scope: CheckScope): Promise<DriftReport> {
    const { reconciler, metrics, logger } = this.#options;
    let report: DriftReport = { found: [], repaired: [], written: 0 };
    while (this.#waiting() >= BULK) await this.#flush;
    await this.#enqueue('drift', async () => {
      report = await reconciler.check(scope);
      const { found, repaired, written } = report;
      metrics.drifted(found, repaired);
      if (found.length > 0)
        logger.warn({ event: 'drift', found: found.length, repaired: repaired.length, first: spell(found) });
      return written;
    });
    return report;
  }

  /** Removes every object of a network; see `Reconciler.removeNetwork`, and {@link applyHost} for `signal`. */
  removeNetwork(id: NetworkId, signal?: AbortSignal): Promise<number> {
    return this.#enqueue('remove', () => this.#options.reconciler.removeNetwork(id), signal);
  }

  /** Removes everything of ours from the kernel, or only looks for it; see `Reconciler.purge`. */
  async purge(verify: boolean): Promise<PurgeReport> {
    let report: PurgeReport = { removed: 0, leftovers: [] };
    await this.#enqueue('purge', async () => {
      report = await this.#options.reconciler.purge(verify);
      return report.removed;
    });
    return report;
  }

  /** Resolves when all peers taken so far were written or have failed; a check that follows them is not waited for. */
  async settled(): Promise<void> {
    while (this.#flush !== undefined) await this.#flush;
    await this.#flushing;
  }

  /** Stops retrying and waits for the write under way. The kernel stays as it is. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.settled();
    await this.#tail;
  }

  #flushPending(waitMs: number): void {
    this.#flush ??= this.#enqueue('peers', () => this.#applyPending(waitMs)).then(
      () => undefined,
      () => undefined,
    );
  }

  async #applyPending(waitMs: number): Promise<number> {
    const { reconciler, clock } = this.#options;
    if (waitMs > 0 && this.#waiting() < BULK) await clock.sleep(waitMs, this.#closing.signal);
    const rest = takeFirst(this.#pending, BATCH_PEERS - this.#ahead);
    const last = this.#pending.size === 0;
    const complete = last && this.#pendingComplete;
    const revision = last ? this.#pendingRevision : undefined;
    if (last) this.#pendingComplete = false;
    if (this.#flush !== undefined) this.#flushing = this.#flush;
    this.#flush = undefined;
    if (!last) this.#flushPending(0);
    reconciler.takePeers(rest, complete);
    if (reconciler.tracker.pending >= LOUD) this.#noteBulk(true);
    const written = await this.#writeBatch().finally(() => {
      if (this.#waiting() === 0) this.#noteBulk(false);
    });
    this.#peerWrites += written;
    if (revision !== undefined) this.#appliedRevision = revision;
    return written;
  }

  #noteBulk(bulk: boolean): void {
    if (bulk === this.#bulk) return;
    this.#bulk = bulk;
    this.#onBulk?.(bulk);
  }

  /** While the kernel's tools work on one batch, the next is planned. */
  async #writeBatch(): Promise<number> {
    this.#ahead = 0;
    this.#writing = true;
    try {
      const writing = this.#options.reconciler.writePeers();
      this.#planAhead();
      return await writing;
    } finally {
      this.#writing = false;
    }
  }

  /** Has the reconciler take what fits into the next batch. */
  #planAhead(): void {
    const some = takeFirst(this.#pending, BATCH_PEERS - this.#ahead);
    this.#ahead += some.size;
    if (some.size > 0) this.#options.reconciler.takePeers(some, false);
  }

  /** Changes that are not yet on their way to the kernel. */
  #waiting(): number {
    return this.#pending.size + this.#ahead;
  }

  #enqueue(what: ApplyCause, work: () => Promise<number>, signal?: AbortSignal): Promise<number> {
    const run = this.#tail.then(() => {
      if (signal?.aborted !== true) return this.#measured(what, work);
      throw new OverlayError('aborted', 'whoever asked for this does not wait for it any more');
    });
    this.#tail = run.catch(() => undefined);
    return run;
  }

  async #measured(what: ApplyCause, work: () => Promise<number>): Promise<number> {
    const { clock, metrics, logger, reconciler } = this.#options;
    const startedMs = clock.monotonicMs();
    let failed = true;
    try {
      const written = await work();
      failed = reconciler.failures.size > 0;
      metrics.applied(what, written, reconciler.failures, (clock.monotonicMs() - startedMs) / 1000);
      if (written > 0 || failed)
        logger.info({ event: 'applied', what, written, failed: reconciler.failures.size });
      return written;
    } catch (thrown) {
      const { code, message } = toOverlayError(thrown);
      logger.error({ event: 'apply_failed', what, code, reason: message });
      throw thrown;
    } finally {
      if (failed) this.#retryLater();
      else this.#attempt = 0;
    }
  }

  #retryLater(): void {
    if (this.#retrying || this.#closing.signal.aborted) return;
    this.#retrying = true;
    const { clock, random, reconciler } = this.#options;
    const waitMs = backoffMs(this.#attempt, RETRY, random);
    this.#attempt += 1;
    const again = async () => {
      await clock.sleep(waitMs, this.#closing.signal);
      this.#retrying = false;
      if (this.#closing.signal.aborted) return;
      // What the kernel refused shows that it is not as we believed: the whole state is read again.
      await this.#enqueue('retry', () => reconciler.resync());
    };
    again().catch(() => undefined);
  }
}

/** Takes the oldest entries out of a map. */
function takeFirst<K, V>(map: Map<K, V>, count: number): ReadonlyMap<K, V> {
  const taken = new Map<K, V>();
  for (const [key, value] of map) {
    if (taken.size === count) break;
    taken.set(key, value);
    map.delete(key);
  }
  return taken;
}

/** A few names for the log. */
function spell(objects: readonly KernelObject[]): string {
  return objects.slice(0, 5).map(keyOf).join(', ');
}
