import { OverlayError, toOverlayError } from '@overlay/failure';
import type { NetworkId, NodeId } from '@overlay/model';
import type { HostDescription } from '../desired/host-description.js';
import type { UnderlayLink } from '../desired/mtu-fit.js';
import type { PeerDescription } from '../desired/peer-description.js';
import { dockerSettings } from '../desired/plan-docker-settings.js';
import { type KernelObject, keyOf } from '../kernel/kernel-object.js';
import type { KernelTables } from '../kernel/kernel-tables.js';
import { DEFAULT_VTEP } from '../kernel/ownership.js';
import { type CheckScope, wholeKinds } from './check-scope.js';
import { DeltaTracker } from './delta-tracker.js';
import { KernelObserver, type ReconcilerSettings } from './kernel-observer.js';
import { KernelWriter } from './kernel-writer.js';
import { isOfDeletedNetwork, networkOfObject } from './network-of-object.js';
import { NexthopIds } from './nexthop-ids.js';
import type { ObjectFailure } from './object-failure.js';
import { type PeerBatch, PeerWants } from './peer-wants.js';
import { ALL_KINDS } from './plan-check.js';
import { type PurgeReport, purgeKernel } from './purge-kernel.js';

/** How long one command of a purge may take before the host was described. */
const PURGE_TIMEOUT_MS = 15_000;

/** What a look at the kernel found. */
export interface DriftReport {
  /** What somebody else changed, removed or put there under our marks since it was written or last read. */
  readonly found: readonly KernelObject[];
  /** Of these, what is as it shall be again. */
  readonly repaired: readonly KernelObject[];
  readonly written: number;
}

/**
 * Keeps the kernel as one host and its peers need it. A description of the host is compared with the whole
 * kernel; a change of peers is written without reading anything. Calls must not overlap: the caller queues them.
 */
export class Reconciler {
  readonly tracker = new DeltaTracker();
  readonly #tables: KernelTables;
  readonly #peers = new PeerWants(this.tracker);
  readonly #observer: KernelObserver;
  readonly #writer: KernelWriter;
  #host: HostDescription | undefined;
  #peersKnown = false;
  #failuresBefore: ReadonlyMap<string, ObjectFailure> | undefined;
  #unreadable: string | undefined;

  constructor(tables: KernelTables, settings: ReconcilerSettings = { nexthopObjects: 'auto' }) {
    const ids = new NexthopIds();
    this.#tables = tables;
    this.#observer = new KernelObserver({ tables, tracker: this.tracker, peers: this.#peers, ids, settings });
    this.#writer = new KernelWriter({ tables, tracker: this.tracker, ids });
  }

  /** Why the kernel could not be read when everything was last compared; undefined if it could. */
  get unreadable(): string | undefined {
    return this.#unreadable;
  }

  /** The last description of the host; undefined before the first. */
  get host(): HostDescription | undefined {
    return this.#host;
  }

  /** The device with the host's underlay address, as last read; undefined if there is none. */
  get underlay(): UnderlayLink | undefined {
    return this.#observer.underlay;
  }

  /** Ids of the nodes that the topology names. */
  peerIds(): Iterable<NodeId> {
    return this.#peers.ids();
  }

  /** How many peers the topology names, this host not counted. */
  get peerCount(): number {
    return this.#peers.count(this.#host?.nodeId);
  }

  /** Some of the peers that stand in the kernel; the same ones for the same place in their order. */
  somePeers(count: number, skip: number): readonly PeerDescription[] {
    return this.#peers.some(count, skip);
  }

  /** Objects that could not be written, by key; while the kernel is read and repaired, as they were before. */
  get failures(): ReadonlyMap<string, ObjectFailure> {
    return this.#failuresBefore ?? this.#writer.failures;
  }

  /** What works, but not as well as it could, each with the way out. */
  get warnings(): readonly string[] {
    return this.#observer.warnings;
  }

  /** Peers that get nothing in the kernel, and why. */
  refusedPeers(): ReadonlyMap<NodeId, string> {
    return this.#peers.refused();
  }

  /**
   * Makes the kernel as `host` and the known peers need it. Returns how many objects were written.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read; nothing is written then.
   */
  async applyHost(host: HostDescription): Promise<number> {
    this.#host = host;
    return this.resync();
  }

  /**
   * Removes every object of a network and wants none of it until the next description of the host. Repeatable; of an
   * unknown network nothing is there. Returns how many objects went.
   * @throws OverlayError `failed_precondition` before the first description of the host, `unavailable` with the
   * kernel's words if something is still there; it is tried again by itself.
   */
  async removeNetwork(id: NetworkId): Promise<number> {
    const host = this.#host;
    if (host === undefined)
      throw new OverlayError(
        'failed_precondition',
        `network ${id} cannot be removed: the host was not described yet; call ApplyHost first`,
      );
    if (this.#isRid(host, id)) return 0;
    const before = [...this.tracker.presentObjects()].filter(({ kind }) => kind !== 'sysctl');
    const clusterNetworks = host.clusterNetworks.map((network) =>
      network.id === id ? { ...network, standing: 'deleting' as const, isolated: false } : network,
    );
    this.#host = { ...host, clusterNetworks };
    await this.resync();
    const failure = this.#failureOf(host, id);
    if (failure !== undefined)
      throw new OverlayError('unavailable', `${keyOf(failure.object)} cannot be removed: ${failure.error}`);
    const standing = this.#standingOf(this.#host, id);
    if (standing !== undefined)
      throw new OverlayError('unavailable', `${keyOf(standing)} still stands: it is tried again by itself`);
    return before.filter((object) => this.tracker.have(keyOf(object)) === undefined).length;
  }

  /** Whether the host was described without the network, and everything of it went when the kernel was written. */
  #isRid(host: HostDescription, id: NetworkId): boolean {
    const network = host.clusterNetworks.find((each) => each.id === id);
    if (network?.standing !== 'deleting' || network.isolated) return false;
    if (this.#failureOf(host, id) !== undefined) return false;
    return this.#standingOf(host, id) === undefined;
  }

  /**
   * An object of a network being deleted that stands in the kernel, as far as is known. What is wanted all the same is its
   * successor's, and so may be a route into both.
   */
  #standingOf(host: HostDescription, id: NetworkId): KernelObject | undefined {
    for (const object of this.tracker.presentObjects()) {
      if (object.kind === 'sysctl' || networkOfObject(host, object) !== id) continue;
      if (this.tracker.wanted(keyOf(object)) !== undefined) continue;
      if (object.kind !== 'route' || isOfDeletedNetwork(host, object)) return object;
    }
    return undefined;
  }

  /** What of the network could not be removed: an object of its own, or a table of all networks that stands as it was. */
  #failureOf(host: HostDescription, id: NetworkId): ObjectFailure | undefined {
    return [...this.failures.values()].find(
      ({ object }) =>
        networkOfObject(host, object) === id ||
        (object.kind === 'nftables' && this.tracker.have(keyOf(object)) !== undefined),
    );
  }

  /**
   * Removes everything of ours from the kernel and wants nothing until the next description of the host; the peers
   * stay known. See {@link purgeKernel}.
   */
  async purge(verify: boolean): Promise<PurgeReport> {
    const vtep = this.#host?.vtep.name ?? DEFAULT_VTEP;
    const timeoutMs = this.#host?.commandTimeoutMs ?? PURGE_TIMEOUT_MS;
    const settings = this.#host === undefined ? [] : dockerSettings(this.#host).map(({ key }) => key);
    if (!verify) {
      this.#host = undefined;
      this.#peers.suspend();
      this.#observer.forgetPorts();
      this.#writer.forgetFailures();
      this.tracker.restart([]);
    }
    return purgeKernel(this.#tables, { vtep, settings }, verify, { timeoutMs });
  }

  /**
   * Takes over a batch of peers without writing anything: {@link writePeers} does. Unlike other calls it may come while
   * one is under way.
   * @param complete the batch finishes a snapshot: what is in the kernel for unknown peers may go from now on
   */
  takePeers(batch: PeerBatch, complete: boolean): void {
    if (complete) this.#peersKnown = true;
    this.#peers.take(batch);
  }

  /**
   * Writes what changed of peers; nothing before the first description of the host. Returns how many objects were
   * written.
   */
  async writePeers(): Promise<number> {
    return this.#host === undefined ? 0 : this.#settle(this.#host);
  }

  /** {@link takePeers} and {@link writePeers} in one. */
  async applyPeers(batch: PeerBatch, complete: boolean): Promise<number> {
    this.takePeers(batch, complete);
    return this.writePeers();
  }

  /** Reads the kernel again, plans everything anew and writes every difference. Returns how many objects were written. */
  async resync(): Promise<number> {
    const host = this.#host;
    if (host === undefined) return 0;
    return this.#showingOldFailures(async () => {
      let written = await this.#settle(host, await this.#compare(host));
      if (this.#writer.disturbed) written += await this.#settle(host, await this.#compare(host));
      return written;
    });
  }

  /**
   * Looks at a part of the kernel again and repairs what is no longer as it was written. Unlike {@link resync} it plans
   * nothing anew: its cost goes with the scope.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read; nothing is written then.
   */
  async check(scope: CheckScope): Promise<DriftReport> {
    const host = this.#host;
    if (host === undefined) return { found: [], repaired: [], written: 0 };
    return this.#showingOldFailures(() => this.#check(host, scope));
  }

  /** What is refused on the way, or not yet tried again, is nobody's business before the end. */
  async #showingOldFailures<T>(work: () => Promise<T>): Promise<T> {
    this.#failuresBefore = new Map(this.#writer.failures);
    try {
      return await work();
    } finally {
      this.#failuresBefore = undefined;
    }
  }

  async #check(host: HostDescription, scope: CheckScope): Promise<DriftReport> {
    this.#writer.calm();
    for (const key of scope.retries) this.tracker.recallKey(key);
    const found: KernelObject[] = [];
    const look = async (part: CheckScope) => {
      const { drifted, surplus } = await this.#observer.observe(host, part);
      this.#writer.forgetSurplusOf(part.kinds);
      for (const object of drifted) found.push(object);
      return this.#settle(host, surplus);
    };
    let written = await look(scope);
    // What the kernel refuses is not as it was told: news of what was repaired since can be late.
    const doubtful = found.filter(
      (object) => scope.entries.has(keyOf(object)) && this.#writer.refused(object),
    );
    if (this.#writer.disturbed) written += await look(wholeKinds(ALL_KINDS));
    else if (doubtful.length > 0)
      written += await look(wholeKinds(new Set(doubtful.map(({ kind }) => kind))));
    const late = new Set(doubtful.filter((object) => !this.tracker.deviates(keyOf(object))));
    const real = found.filter((object) => !late.has(object));
    const repaired = real.filter((object) => !this.tracker.deviates(keyOf(object)));
    return { found: real, repaired, written };
  }

  #settle(host: HostDescription, surplus: readonly KernelObject[] = []): Promise<number> {
    const { vtep, commandTimeoutMs: timeoutMs } = host;
    return this.#writer.settle({
      vtep: vtep.name,
      timeoutMs,
      peersKnown: this.#peersKnown,
      isDoomed: (object) => isOfDeletedNetwork(host, object),
      surplus,
    });
  }

  /**
   * Plans everything anew and compares the whole kernel with it. Returns second objects under one key.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read, which {@link unreadable} tells from then on.
   */
  async #compare(host: HostDescription): Promise<readonly KernelObject[]> {
    const surplus = await this.#observer.compare(host).catch((thrown: unknown) => {
      this.#unreadable = toOverlayError(thrown).message;
      throw thrown;
    });
    this.#unreadable = undefined;
    this.#writer.forgetFailures();
    this.#writer.calm();
    return surplus;
  }
}
