import { OverlayError } from '@overlay/failure';
import type { NetworkId, NodeId } from '@overlay/model';
import type { HostDescription } from '../desired/host-description.js';
import type { UnderlayLink } from '../desired/mtu-fit.js';
import { planDockerAccepts } from '../desired/plan-docker-accepts.js';
import { planHost } from '../desired/plan-host.js';
import { type NexthopIdOf, peerPlanner } from '../desired/plan-peer.js';
import { type KernelObject, type KernelObjectKind, keyOf, type Nexthop } from '../kernel/kernel-object.js';
import type { KernelSnapshot, KernelTables } from '../kernel/kernel-tables.js';
import { DEFAULT_VTEP } from '../kernel/ownership.js';
import { BridgeMacs } from './bridge-macs.js';
import { BridgePorts } from './bridge-ports.js';
import { DeltaTracker } from './delta-tracker.js';
import { KernelWriter } from './kernel-writer.js';
import { networkOfObject } from './network-of-object.js';
import { NexthopIds } from './nexthop-ids.js';
import type { ObjectFailure } from './object-failure.js';
import { type PeerBatch, PeerWants } from './peer-wants.js';
import { ALL_KINDS } from './plan-check.js';
import { type PurgeReport, purgeKernel } from './purge-kernel.js';
import { standingWarnings } from './standing-warnings.js';

/** How long one command of a purge may take before the host was described. */
const PURGE_TIMEOUT_MS = 15_000;

/** Kinds that are wanted because of what stands in the kernel. */
const DEPENDENT: readonly KernelObjectKind[] = ['port', 'docker-accept', 'offload'];

/** What is decided for this host whatever the agent says. */
export interface ReconcilerSettings {
  /** Decides about checksum offload of the VXLAN device; absent: as the kernel has it. */
  readonly checksumOffload?: (underlayDriver: string | undefined) => boolean;
  /** `off`: routes name their gateways themselves, as on a kernel without nexthop objects. */
  readonly nexthopObjects: 'auto' | 'off';
}

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
  readonly #ids = new NexthopIds();
  readonly #peers = new PeerWants(this.tracker);
  readonly #writer: KernelWriter;
  readonly #bridgeMacs = new BridgeMacs();
  readonly #bridgePorts = new BridgePorts();
  readonly #settings: ReconcilerSettings;
  #host: HostDescription | undefined;
  #underlay: UnderlayLink | undefined;
  #peersKnown = false;
  #nexthopsKnownToKernel = true;

  constructor(tables: KernelTables, settings: ReconcilerSettings = { nexthopObjects: 'auto' }) {
    this.#tables = tables;
    this.#settings = settings;
    this.#writer = new KernelWriter({ tables, tracker: this.tracker, ids: this.#ids });
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
    return this.#peers.ids();
  }

  /** How many peers the topology names, this host not counted. */
  get peerCount(): number {
    return this.#peers.count(this.#host?.nodeId);
  }

  /** Objects that could not be written, by key. */
  get failures(): ReadonlyMap<string, ObjectFailure> {
    return this.#writer.failures;
  }

  /** What works, but not as well as it could, each with the way out. */
  get warnings(): readonly string[] {
    return standingWarnings({
      nexthops: this.#settings.nexthopObjects === 'off' ? 'off' : this.#nexthopsKnownToKernel,
      strays: this.#bridgePorts.strays,
    });
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
    const before = [...this.tracker.presentObjects()].filter(({ kind }) => kind !== 'sysctl');
    const clusterNetworks = host.clusterNetworks.map((network) =>
      network.id === id ? { ...network, standing: 'deleting' as const } : network,
    );
    this.#host = { ...host, clusterNetworks };
    await this.resync();
    const failure = [...this.failures.values()].find(({ object }) => networkOfObject(host, object) === id);
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
      this.#peers.suspend();
      this.#bridgePorts.forget();
      this.#writer.forgetFailures();
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
    if (complete) this.#peersKnown = true;
    this.#peers.take(batch);
    return this.#host === undefined ? 0 : this.#settle(this.#host);
  }

  /** Reads the kernel again, plans everything anew and writes every difference. Returns how many objects were written. */
  async resync(): Promise<number> {
    const host = this.#host;
    if (host === undefined) return 0;
    let written = await this.#settle(host, await this.#compare(host));
    if (this.#writer.disturbed) written += await this.#settle(host, await this.#compare(host));
    return written;
  }

  /**
   * Reads some kinds again and repairs what is no longer as it was written. Unlike {@link resync} it plans nothing
   * anew: its cost is that of the dumps.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read; nothing is written then.
   */
  async check(kinds: ReadonlySet<KernelObjectKind>): Promise<DriftReport> {
    const host = this.#host;
    if (host === undefined) return { found: [], repaired: [], written: 0 };
    this.#writer.calm();
    const first = await this.#observe(host, kinds);
    const found = [...first.drifted];
    let written = await this.#settle(host, first.surplus);
    if (this.#writer.disturbed) {
      const second = await this.#observe(host, ALL_KINDS);
      found.push(...second.drifted);
      written += await this.#settle(host, second.surplus);
    }
    const repaired = found.filter((object) => !this.tracker.deviates(keyOf(object)));
    return { found, repaired, written };
  }

  #settle(host: HostDescription, surplus: readonly KernelObject[] = []): Promise<number> {
    const { vtep, commandTimeoutMs: timeoutMs } = host;
    return this.#writer.settle({ vtep: vtep.name, timeoutMs, peersKnown: this.#peersKnown, surplus });
  }

  /** Compares some kinds with what is wanted anyway. */
  async #observe(host: HostDescription, kinds: ReadonlySet<KernelObjectKind>) {
    const wanted = planHost(host);
    const snapshot = await this.#read(host, wanted, kinds);
    for (const object of this.#bridgeMacs.pin(wanted, snapshot.objects))
      if (object.kind === 'link') this.tracker.want(object);
    for (const kind of DEPENDENT)
      if (kinds.has(kind)) this.tracker.wantAll(kind, this.#dependent(host, wanted, snapshot));
    return this.tracker.observeKinds(kinds, snapshot.objects);
  }

  /** Plans everything anew and compares the whole kernel with it. Returns second objects under one key. */
  async #compare(host: HostDescription): Promise<readonly KernelObject[]> {
    const wanted = planHost(host);
    const snapshot = await this.#read(host, wanted);
    const ours = snapshot.objects.filter((object): object is Nexthop => object.kind === 'nexthop');
    this.#ids.restart(ours, snapshot.foreignNexthopIds);
    this.#nexthopsKnownToKernel = snapshot.nexthopObjects;
    const surplus = this.tracker.restart(snapshot.objects);
    for (const object of this.#bridgeMacs.pin(wanted, snapshot.objects)) this.tracker.want(object);
    for (const object of this.#dependent(host, wanted, snapshot)) this.tracker.want(object);
    this.#peers.rebase(host, peerPlanner(host, this.#nexthopIdOf()));
    this.#writer.forgetFailures();
    this.#writer.calm();
    return surplus;
  }

  /** What is wanted because of what stands in the kernel: ports of bridges, rules in Docker's chains, offload. */
  #dependent(
    host: HostDescription,
    wanted: readonly KernelObject[],
    { cabling, dockerChains, objects }: KernelSnapshot,
  ): readonly KernelObject[] {
    const on = this.#settings.checksumOffload?.(this.#underlay?.driver);
    // On is the kernel's own default: nothing to write where the setting cannot be read.
    const offload = on === false || (on === true && objects.some(({ kind }) => kind === 'offload'));
    const bridges = wanted.flatMap((object) =>
      object.kind === 'link' && object.type === 'bridge' ? [object.name] : [],
    );
    return [
      ...(cabling === undefined ? [] : this.#bridgePorts.follow(cabling, new Set(bridges))),
      ...planDockerAccepts(host, dockerChains),
      ...(offload ? [{ kind: 'offload', device: host.vtep.name, on } as const] : []),
    ];
  }

  #nexthopIdOf(): NexthopIdOf | undefined {
    if (this.#settings.nexthopObjects === 'off' || !this.#nexthopsKnownToKernel) return undefined;
    return (gateway, preferred) => this.#ids.idOf(gateway, preferred);
  }

  async #read(
    host: HostDescription,
    wanted: readonly KernelObject[],
    kinds: ReadonlySet<KernelObjectKind> = ALL_KINDS,
  ): Promise<KernelSnapshot> {
    const devices = wanted.flatMap((object) => (object.kind === 'link' ? [object.name] : []));
    const sysctls = wanted.flatMap((object) => (object.kind === 'sysctl' ? [object.key] : []));
    const offload = this.#settings.checksumOffload !== undefined;
    const scope = { vtep: host.vtep.name, devices, sysctls, kinds, underlay: host.ip, offload };
    const snapshot = await this.#tables.read(scope, { timeoutMs: host.commandTimeoutMs });
    if (kinds.has('link')) this.#underlay = snapshot.underlay;
    return snapshot;
  }
}
