import { OverlayError } from '@overlay/failure';
import type { NetworkId, NodeId } from '@overlay/model';
import type { HostDescription } from '../desired/host-description.js';
import type { UnderlayLink } from '../desired/mtu-fit.js';
import type { OffloadDecision } from '../desired/offload-decision.js';
import type { PeerDescription } from '../desired/peer-description.js';
import { planDockerAccepts } from '../desired/plan-docker-accepts.js';
import {
  dockerSettings,
  dockerSettingsAmong,
  isDockerSetting,
  isOurDockerSetting,
  planDockerSettings,
} from '../desired/plan-docker-settings.js';
import { planHost } from '../desired/plan-host.js';
import { type NexthopIdOf, peerPlanner } from '../desired/plan-peer.js';
import {
  type BridgePort,
  type ChecksumOffload,
  type KernelObject,
  type KernelObjectKind,
  keyOf,
  type Nexthop,
} from '../kernel/kernel-object.js';
import type { KernelSnapshot, KernelTables, ReadScope } from '../kernel/kernel-tables.js';
import { DEFAULT_VTEP } from '../kernel/ownership.js';
import { BridgeMacs } from './bridge-macs.js';
import { BridgePorts } from './bridge-ports.js';
import { type CheckScope, wholeKinds } from './check-scope.js';
import { DeltaTracker } from './delta-tracker.js';
import { KernelWriter } from './kernel-writer.js';
import { networkOfObject } from './network-of-object.js';
import { NexthopIds } from './nexthop-ids.js';
import type { ObjectFailure } from './object-failure.js';
import { observeEntries } from './observe-entries.js';
import { type PeerBatch, PeerWants } from './peer-wants.js';
import { ALL_KINDS } from './plan-check.js';
import { type PurgeReport, purgeKernel } from './purge-kernel.js';
import { standingWarnings } from './standing-warnings.js';

/** How long one command of a purge may take before the host was described. */
const PURGE_TIMEOUT_MS = 15_000;

/** Kinds that are wanted because of what stands in the kernel. */
const DEPENDENT: readonly KernelObjectKind[] = ['sysctl', 'port', 'docker-accept', 'offload'];

/** What a device has of its own. */
const OF_DEVICE: ReadonlySet<KernelObjectKind> = new Set(['link', 'sysctl', 'address', 'port', 'offload']);

/** What is decided for this host whatever the agent says. */
export interface ReconcilerSettings {
  /** Decides about checksum offload of the VXLAN device; absent: nobody looks at it. */
  readonly offload?: Pick<OffloadDecision, 'decide' | 'warnings'>;
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

  /** Some of the peers that stand in the kernel; the same ones for the same place in their order. */
  somePeers(count: number, skip: number): readonly PeerDescription[] {
    return this.#peers.some(count, skip);
  }

  /** Objects that could not be written, by key. */
  get failures(): ReadonlyMap<string, ObjectFailure> {
    return this.#writer.failures;
  }

  /** What works, but not as well as it could, each with the way out. */
  get warnings(): readonly string[] {
    const standing = standingWarnings({
      nexthops: this.#settings.nexthopObjects === 'off' ? 'off' : this.#nexthopsKnownToKernel,
      strays: this.#bridgePorts.strays,
    });
    return [...standing, ...(this.#settings.offload?.warnings ?? [])];
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
    const settings = this.#host === undefined ? [] : dockerSettings(this.#host).map(({ key }) => key);
    if (!verify) {
      this.#host = undefined;
      this.#peers.suspend();
      this.#bridgePorts.forget();
      this.#writer.forgetFailures();
      this.tracker.restart([]);
    }
    return purgeKernel(this.#tables, { vtep, settings }, verify, { timeoutMs });
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
   * Looks at a part of the kernel again and repairs what is no longer as it was written. Unlike {@link resync} it plans
   * nothing anew: its cost goes with the scope.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read; nothing is written then.
   */
  async check(scope: CheckScope): Promise<DriftReport> {
    const host = this.#host;
    if (host === undefined) return { found: [], repaired: [], written: 0 };
    this.#writer.calm();
    const found: KernelObject[] = [];
    const look = async (part: CheckScope) => {
      const { drifted, surplus } = await this.#observe(host, part);
      found.push(...drifted);
      return this.#settle(host, surplus);
    };
    let written = await look(scope);
    // What the kernel refuses is not as it was told: news of what was repaired since can be late.
    const doubtful = found.filter(
      (object) => scope.entries.has(keyOf(object)) && this.failures.has(keyOf(object)),
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
    return this.#writer.settle({ vtep: vtep.name, timeoutMs, peersKnown: this.#peersKnown, surplus });
  }

  /** Compares a part of the kernel with what is wanted anyway. */
  async #observe(host: HostDescription, { kinds, devices, entries }: CheckScope) {
    const told = observeEntries(entries, this.tracker, (nexthop) => this.#peers.routesThrough(nexthop));
    const wanted = kinds.size + devices.size > 0 ? planHost(host) : [];
    const alone = devices.size > 0 ? await this.#observeDevices(host, wanted, devices) : [];
    if (kinds.size === 0) return { drifted: [...told.drifted, ...alone], surplus: told.surplus };
    const snapshot = await this.#read(host, wanted, { kinds });
    for (const object of this.#bridgeMacs.pin(wanted, snapshot.objects))
      if (object.kind === 'link') this.tracker.want(object);
    for (const kind of DEPENDENT)
      if (kinds.has(kind))
        this.tracker.wantAll(kind, [...wanted, ...this.#dependent(host, wanted, snapshot)]);
    const { drifted, surplus } = this.tracker.observeKinds(kinds, snapshot.objects);
    return { drifted: [...told.drifted, ...alone, ...drifted], surplus: [...told.surplus, ...surplus] };
  }

  /** Compares single devices, with their addresses and where they are plugged in, with what is wanted. */
  async #observeDevices(
    host: HostDescription,
    wanted: readonly KernelObject[],
    only: ReadonlySet<string>,
  ): Promise<readonly KernelObject[]> {
    const snapshot = await this.#read(host, wanted, { kinds: OF_DEVICE, only });
    for (const object of this.#bridgeMacs.pin(wanted, snapshot.objects))
      if (object.kind === 'link' && only.has(object.name)) this.tracker.want(object);
    const ports = this.#portsOf(wanted, snapshot, only);
    const plugged = new Set(ports.map(({ device }) => device));
    for (const device of only) if (!plugged.has(device)) this.tracker.unwant(`port ${device}`);
    for (const object of [...ports, ...(only.has(host.vtep.name) ? this.#offloadOf(host, snapshot) : [])])
      this.tracker.want(object);
    const settings = dockerSettingsAmong(host, snapshot);
    const there = new Set(settings.map(keyOf));
    for (const setting of dockerSettings(host))
      if (isOfDevices(setting, only) && !there.has(keyOf(setting))) this.tracker.unwant(keyOf(setting));
    for (const setting of settings) this.tracker.want(setting);
    const standing = [...this.tracker.wantedOf('address'), ...this.tracker.wantedOf('sysctl')].filter(
      (object) => isOfDevices(object, only),
    );
    const keys = [...only].flatMap((device) => [`link ${device}`, `port ${device}`, `offload ${device}`]);
    return this.tracker.observeKeys([...keys, ...standing.map(keyOf)], snapshot.objects);
  }

  #portsOf(
    wanted: readonly KernelObject[],
    { cabling }: KernelSnapshot,
    only?: ReadonlySet<string>,
  ): readonly BridgePort[] {
    if (cabling === undefined) return [];
    const bridges = wanted.flatMap((object) =>
      object.kind === 'link' && object.type === 'bridge' ? [object.name] : [],
    );
    return this.#bridgePorts.follow(cabling, new Set(bridges), only);
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
    snapshot: KernelSnapshot,
  ): readonly KernelObject[] {
    return [
      ...this.#portsOf(wanted, snapshot),
      ...planDockerAccepts(host, snapshot.dockerChains),
      ...this.#offloadOf(host, snapshot),
      ...dockerSettingsAmong(host, snapshot),
    ];
  }

  #offloadOf(host: HostDescription, { objects }: KernelSnapshot): readonly ChecksumOffload[] {
    const decided = this.#settings.offload?.decide(this.#underlay?.driver);
    const found = objects.find((object) => object.kind === 'offload');
    const on = decided === 'as-found' ? found?.on : decided;
    // On is the kernel's own default: nothing to write where the setting cannot be read.
    return on === false || (on === true && found !== undefined)
      ? [{ kind: 'offload', device: host.vtep.name, on }]
      : [];
  }

  #nexthopIdOf(): NexthopIdOf | undefined {
    if (this.#settings.nexthopObjects === 'off' || !this.#nexthopsKnownToKernel) return undefined;
    return (gateway, preferred) => this.#ids.idOf(gateway, preferred);
  }

  async #read(
    host: HostDescription,
    wanted: readonly KernelObject[],
    part: Pick<ReadScope, 'only' | 'kinds'> = {},
  ): Promise<KernelSnapshot> {
    const devices = wanted.flatMap((object) => (object.kind === 'link' ? [object.name] : []));
    const settings = [...wanted, ...dockerSettings(host)].filter(
      (object) => part.only === undefined || isOfDevices(object, part.only),
    );
    const sysctls = settings.flatMap((object) => (object.kind === 'sysctl' ? [object.key] : []));
    const offload = this.#settings.offload !== undefined;
    const scope = { vtep: host.vtep.name, devices, sysctls, underlay: host.ip, offload, ...part };
    const snapshot = await this.#tables.read(scope, { timeoutMs: host.commandTimeoutMs });
    if (part.only === undefined && (part.kinds?.has('link') ?? true)) this.#underlay = snapshot.underlay;
    // What Docker's bridges have by default is no setting of ours.
    const planned = new Set(planDockerSettings(host).map(keyOf));
    const objects = snapshot.objects.filter(
      (object) => !isDockerSetting(object) || planned.has(keyOf(object)) || isOurDockerSetting(object),
    );
    return { ...snapshot, objects };
  }
}

/** Whether an address or a setting is one of these devices. */
function isOfDevices(object: KernelObject, devices: ReadonlySet<string>): boolean {
  if (object.kind === 'address') return devices.has(object.device);
  return object.kind === 'sysctl' && object.key.split('/').some((part) => devices.has(part));
}
