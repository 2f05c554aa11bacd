import type { IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { NetworkId, NodeId } from '@overlay/model';
import type { HostDescription } from '../desired/host-description.js';
import type { UnderlayLink } from '../desired/mtu-fit.js';
import { PeerClaims } from '../desired/peer-claims.js';
import type { PeerDescription } from '../desired/peer-description.js';
import { planHost } from '../desired/plan-host.js';
import { type PeerPlanner, peerPlanner } from '../desired/plan-peer.js';
import { refusePeer } from '../desired/refuse-peer.js';
import { type KernelObject, type KernelObjectKind, keyOf, type Nexthop } from '../kernel/kernel-object.js';
import type { KernelChange, KernelSnapshot, KernelTables } from '../kernel/kernel-tables.js';
import { ADMISSION_TABLE, DEFAULT_VTEP } from '../kernel/ownership.js';
import { BridgeMacs } from './bridge-macs.js';
import { DeltaTracker } from './delta-tracker.js';
import { networkOfObject } from './network-standing.js';
import { NexthopIds } from './nexthop-ids.js';
import { orderChanges } from './order-changes.js';
import { planDifference } from './plan-changes.js';
import { ALL_KINDS } from './plan-check.js';
import { type PurgeReport, purgeKernel } from './purge-kernel.js';

/** How long one command of a purge may take before the host was described. */
const PURGE_TIMEOUT_MS = 15_000;

/** An object that could not be written, with the kernel's words. */
export interface ObjectFailure {
  readonly object: KernelObject;
  readonly error: string;
}

/** What a look at the kernel found. */
export interface DriftReport {
  /** What somebody else changed, removed or put there under our marks since it was written or last read. */
  readonly found: readonly KernelObject[];
  /** Of these, what is as it shall be again. */
  readonly repaired: readonly KernelObject[];
  readonly written: number;
}

/** A batch of peers: their new content, or undefined for those that are gone. */
export type PeerBatch = ReadonlyMap<NodeId, PeerDescription | undefined>;

/**
 * Keeps the kernel as one host and its peers need it. A description of the host is compared with the whole
 * kernel; a change of peers is written without reading anything. Calls must not overlap: the caller queues them.
 */
export class Reconciler {
  readonly tracker = new DeltaTracker();
  readonly #tables: KernelTables;
  readonly #ids = new NexthopIds();
  readonly #peers = new Map<NodeId, PeerDescription>();
  readonly #failures = new Map<string, ObjectFailure>();
  readonly #contradicting = new Map<NodeId, string>();
  /** What the tracker currently wants for each peer. */
  readonly #planned = new Map<NodeId, PeerDescription>();
  readonly #bridgeMacs = new BridgeMacs();
  #claims = new PeerClaims();
  #host: HostDescription | undefined;
  #planner: PeerPlanner | undefined;
  #underlay: UnderlayLink | undefined;
  #peersKnown = false;

  constructor(tables: KernelTables) {
    this.#tables = tables;
  }

  /** The last description of the host; undefined before the first. */
  get host(): HostDescription | undefined {
    return this.#host;
  }

  /** The device with the host's underlay address, as last read; undefined if there is none. */
  get underlay(): UnderlayLink | undefined {
    return this.#underlay;
  }

  /** Ids of the nodes that the topology names. */
  peerIds(): Iterable<NodeId> {
    return this.#peers.keys();
  }

  /** How many peers the topology names, this host not counted. */
  get peerCount(): number {
    const self = this.#host !== undefined && this.#peers.has(this.#host.nodeId) ? 1 : 0;
    return this.#peers.size - self;
  }

  /** Objects that could not be written, by key. */
  get failures(): ReadonlyMap<string, ObjectFailure> {
    return this.#failures;
  }

  /** Peers that get nothing in the kernel, and why. */
  refusedPeers(): ReadonlyMap<NodeId, string> {
    const conflicts = [...this.#claims.refused].map(([nodeId, { reason }]) => [nodeId, reason] as const);
    return new Map([...this.#contradicting, ...conflicts]);
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
    const before = [...this.tracker.presentObjects()].filter(({ kind }) => kind !== 'sysctl');
    const clusterNetworks = host.clusterNetworks.map((network) =>
      network.id === id ? { ...network, standing: 'deleting' as const } : network,
    );
    this.#host = { ...host, clusterNetworks };
    await this.resync();
    const failure = [...this.#failures.values()].find(({ object }) => networkOfObject(host, object) === id);
    if (failure !== undefined)
      throw new OverlayError('unavailable', `${keyOf(failure.object)} cannot be removed: ${failure.error}`);
    return before.filter((object) => this.tracker.have(keyOf(object)) === undefined).length;
  }

  /**
   * Removes everything of ours from the kernel and wants nothing until the next description of the host; the peers
   * stay known. See {@link purgeKernel}.
   */
  async purge(verify: boolean): Promise<PurgeReport> {
    const vtep = this.#host?.vtep.name ?? DEFAULT_VTEP;
    const timeoutMs = this.#host?.commandTimeoutMs ?? PURGE_TIMEOUT_MS;
    if (!verify) {
      this.#host = undefined;
      this.#planner = undefined;
      this.#planned.clear();
      this.#failures.clear();
      this.tracker.restart([]);
    }
    return purgeKernel(this.#tables, vtep, verify, { timeoutMs });
  }

  /**
   * Takes over a batch of peers and writes what it changes. Before the first description of the host the peers are
   * only remembered. Returns how many objects were written.
   * @param complete the batch finishes a snapshot: what is in the kernel for unknown peers may go from now on
   */
  async applyPeers(batch: PeerBatch, complete: boolean): Promise<number> {
    for (const [nodeId, peer] of batch) {
      if (peer === undefined) this.#peers.delete(nodeId);
      else this.#peers.set(nodeId, peer);
    }
    if (complete) this.#peersKnown = true;
    if (this.#host === undefined) return 0;
    this.#planPeers(batch);
    return this.#settle([]);
  }

  /**
   * Reads some kinds again and repairs what is no longer as it was written. Unlike {@link resync} it plans nothing
   * anew: its cost is that of the dumps.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read; nothing is written then.
   */
  async check(kinds: ReadonlySet<KernelObjectKind>): Promise<DriftReport> {
    const host = this.#host;
    if (host === undefined) return { found: [], repaired: [], written: 0 };
    this.#disturbed = false;
    const first = await this.#observe(host, kinds);
    const found = [...first.drifted];
    let written = await this.#settle(first.surplus);
    if (this.#disturbed) {
      const second = await this.#observe(host, ALL_KINDS);
      found.push(...second.drifted);
      written += await this.#settle(second.surplus);
    }
    const repaired = found.filter((object) => !this.tracker.deviates(keyOf(object)));
    return { found, repaired, written };
  }

  async #observe(host: HostDescription, kinds: ReadonlySet<KernelObjectKind>) {
    const wanted = planHost(host);
    const snapshot = await this.#read(host, wanted, kinds);
    for (const object of this.#bridgeMacs.pin(wanted, snapshot.objects))
      if (object.kind === 'link') this.tracker.want(object);
    return this.tracker.observeKinds(kinds, snapshot.objects);
  }

  /** Reads the kernel again, plans everything anew and writes every difference. Returns how many objects were written. */
  async resync(): Promise<number> {
    const host = this.#host;
    if (host === undefined) return 0;
    const first = await this.#compare(host);
    let written = await this.#settle(first);
    if (this.#disturbed) written += await this.#settle(await this.#compare(host));
    return written;
  }

  /** An address or the MAC of the VXLAN device went: the kernel may have dropped entries with it without telling. */
  #disturbed = false;

  async #compare(host: HostDescription): Promise<readonly KernelObject[]> {
    const wanted = planHost(host);
    const snapshot = await this.#read(host, wanted);
    const ours = snapshot.objects.filter((object): object is Nexthop => object.kind === 'nexthop');
    this.#ids.restart(ours, snapshot.foreignNexthopIds);
    const surplus = this.tracker.restart(snapshot.objects);
    for (const object of this.#bridgeMacs.pin(wanted, snapshot.objects)) this.tracker.want(object);
    this.#planner = peerPlanner(host, (gateway: IpAddress, preferred) => this.#ids.idOf(gateway, preferred));
    this.#claims = new PeerClaims();
    this.#contradicting.clear();
    this.#planned.clear();
    this.#failures.clear();
    this.#disturbed = false;
    this.#planPeers(this.#peers);
    return surplus;
  }

  async #read(
    host: HostDescription,
    wanted: readonly KernelObject[],
    kinds: ReadonlySet<KernelObjectKind> = ALL_KINDS,
  ): Promise<KernelSnapshot> {
    const devices = wanted.flatMap((object) => (object.kind === 'link' ? [object.name] : []));
    const sysctls = wanted.flatMap((object) => (object.kind === 'sysctl' ? [object.key] : []));
    const scope = { vtep: host.vtep.name, devices, sysctls, kinds, underlay: host.ip };
    const snapshot = await this.#tables.read(scope, { timeoutMs: host.commandTimeoutMs });
    if (kinds.has('link')) this.#underlay = snapshot.underlay;
    return snapshot;
  }

  /** Turns changed peers into changed wants. */
  #planPeers(batch: PeerBatch): void {
    const host = this.#host;
    const planner = this.#planner;
    if (host === undefined || planner === undefined) return;
    const admissible = new Map<NodeId, PeerDescription | undefined>();
    for (const [nodeId, peer] of batch) {
      const reason = peer === undefined || nodeId === host.nodeId ? undefined : refusePeer(host, peer);
      if (reason === undefined) this.#contradicting.delete(nodeId);
      else this.#contradicting.set(nodeId, reason);
      admissible.set(nodeId, reason === undefined && nodeId !== host.nodeId ? peer : undefined);
    }
    const changed = this.#claims.update(admissible);
    const before = new Map<string, KernelObject>();
    const after = new Map<string, KernelObject>();
    for (const nodeId of changed) {
      const old = this.#planned.get(nodeId);
      const now = this.#claims.accepted.get(nodeId);
      if (old !== undefined) for (const object of planner.plan(old)) before.set(keyOf(object), object);
      if (now !== undefined) for (const object of planner.plan(now)) after.set(keyOf(object), object);
      if (now === undefined) this.#planned.delete(nodeId);
      else this.#planned.set(nodeId, now);
    }
    for (const key of before.keys()) if (!after.has(key)) this.tracker.unwant(key);
    for (const object of after.values()) this.tracker.want(object);
  }

  /** Writes every difference that may be written now. */
  async #settle(surplus: readonly KernelObject[]): Promise<number> {
    const host = this.#host;
    if (host === undefined) return 0;
    let written = 0;
    if (this.#differences(host).some(({ plan }) => plan.step === 'recreate')) {
      written += await this.#removeVtep(host);
    }
    this.#forgetAdmissions(host);
    const changes: KernelChange[] = [];
    for (const { key, plan } of this.#differences(host)) {
      if (plan.step === 'change') changes.push(plan.change);
      if (plan.step === 'forget') this.tracker.observe(key, undefined);
      if (plan.step === 'obstructed') this.#failures.set(key, { object: plan.object, error: plan.error });
    }
    written += await this.#write(host, changes, true);
    // Last, for routes may have used it until just now.
    written += await this.#write(host, surplus.map(removal), false);
    for (const key of this.#failures.keys()) if (!this.tracker.deviates(key)) this.#failures.delete(key);
    return written;
  }

  /** The elements of the admission set go with their table, so a table that is written needs all of them again. */
  #forgetAdmissions(host: HostDescription): void {
    const key = `nftables inet ${ADMISSION_TABLE}`;
    if (!this.tracker.deviates(key)) return;
    const table = { key, have: this.tracker.have(key), want: this.tracker.wanted(key) };
    if (planDifference(table, host.vtep.name, this.#peersKnown).step !== 'change') return;
    for (const object of [...this.tracker.presentObjects()])
      if (object.kind === 'admission') this.tracker.observe(keyOf(object), undefined);
  }

  #differences(host: HostDescription) {
    return this.tracker.differences().map((difference) => ({
      key: difference.key,
      plan: planDifference(difference, host.vtep.name, this.#peersKnown),
    }));
  }

  /** Routes and nexthops go before their device (see `order-changes.ts`); the rest goes with it. */
  async #removeVtep(host: HostDescription): Promise<number> {
    const device = host.vtep.name;
    const present = [...this.tracker.presentObjects()].filter((object) => standsOn(object, device));
    const explicit = present.filter(({ kind }) => kind === 'route' || kind === 'nexthop' || kind === 'link');
    const written = await this.#write(host, explicit.map(removal), true);
    if (this.tracker.have(`link ${device}`) === undefined)
      for (const object of present) this.tracker.observe(keyOf(object), undefined);
    return written;
  }

  async #write(host: HostDescription, changes: readonly KernelChange[], tracked: boolean): Promise<number> {
    if (changes.length === 0) return 0;
    const options = { timeoutMs: host.commandTimeoutMs };
    const failures = await this.#tables.apply(orderChanges(changes), options);
    const failed = new Set(failures.map(({ change }) => change));
    for (const { change, error } of failures) {
      this.#failures.set(keyOf(change.object), { object: change.object, error });
    }
    for (const change of changes) if (!failed.has(change)) this.#note(host, change, tracked);
    return changes.length - failures.length;
  }

  #note(host: HostDescription, change: KernelChange, tracked: boolean): void {
    const { op, object } = change;
    const key = keyOf(object);
    if (tracked) {
      this.#failures.delete(key);
      this.tracker.observe(key, op === 'remove' ? undefined : object);
    }
    if (op === 'replace' && macOf(object) !== macOf(change.previous)) this.#disturbed = true;
    if (op !== 'remove') return;
    if (object.kind === 'nexthop') this.#ids.release(object);
    if (object.kind === 'address' && object.device === host.vtep.name) this.#disturbed = true;
  }
}

function macOf(object: KernelObject): string | undefined {
  return object.kind === 'link' && object.type !== 'foreign' ? object.mac : undefined;
}

function removal(object: KernelObject): KernelChange {
  return { op: 'remove', object };
}

function standsOn(object: KernelObject, device: string): boolean {
  switch (object.kind) {
    case 'link':
      return object.name === device;
    case 'address':
    case 'neighbour':
    case 'fdb':
    case 'nexthop':
      return object.device === device;
    case 'route':
      return object.target.type !== 'unreachable';
    case 'sysctl':
      return object.key.includes(`/${device}/`);
    case 'rule':
    case 'nftables':
    case 'admission':
      return false;
  }
}
