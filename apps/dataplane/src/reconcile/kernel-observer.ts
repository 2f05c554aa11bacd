import { activeSubnets, type HostDescription } from '../desired/host-description.js';
import type { UnderlayLink } from '../desired/mtu-fit.js';
import type { OffloadDecision } from '../desired/offload-decision.js';
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
  type Link,
  type Nexthop,
} from '../kernel/kernel-object.js';
import type { ForeignRoute, KernelSnapshot, KernelTables, ReadScope } from '../kernel/kernel-tables.js';
import { BridgeMacs } from './bridge-macs.js';
import { BridgePorts } from './bridge-ports.js';
import type { CheckScope } from './check-scope.js';
import type { DeltaTracker } from './delta-tracker.js';
import type { NexthopIds } from './nexthop-ids.js';
import { observeEntries } from './observe-entries.js';
import type { PeerWants } from './peer-wants.js';
import { describeShadows, routesOfInterest } from './shadowed-routes.js';
import { knownUnderlay, SilentHelpers } from './silent-helpers.js';
import { standingWarnings } from './standing-warnings.js';

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

/** What an observer looks at, and whom it tells. */
export interface KernelObserverOptions {
  readonly tables: KernelTables;
  readonly tracker: DeltaTracker;
  readonly peers: PeerWants;
  readonly ids: NexthopIds;
  readonly settings: ReconcilerSettings;
}

/** What a look at a part of the kernel found. */
export interface Observation {
  /** What is no longer as it was written or last read. */
  readonly drifted: readonly KernelObject[];
  /** Second objects under one key. */
  readonly surplus: readonly KernelObject[];
}

/**
 * Looks at the kernel, whole or in part, and tells the tracker what stands there and what is wanted because of it:
 * ports of bridges, rules in Docker's chains, settings of Docker's bridges, checksum offload. It writes nothing.
 */
export class KernelObserver {
  readonly #tables: KernelTables;
  readonly #tracker: DeltaTracker;
  readonly #peers: PeerWants;
  readonly #ids: NexthopIds;
  readonly #settings: ReconcilerSettings;
  readonly #bridgeMacs = new BridgeMacs();
  readonly #bridgePorts = new BridgePorts();
  #underlay: UnderlayLink | undefined;
  #nexthopsKnownToKernel = true;
  #lacksIpv6 = false;
  readonly #silent = new SilentHelpers();
  #foreignRoutes: readonly ForeignRoute[] = [];

  constructor({ tables, tracker, peers, ids, settings }: KernelObserverOptions) {
    this.#tables = tables;
    this.#tracker = tracker;
    this.#peers = peers;
    this.#ids = ids;
    this.#settings = settings;
  }

  /** The device with the host's underlay address, as last read; undefined if there is none. */
  get underlay(): UnderlayLink | undefined {
    return this.#underlay;
  }

  /** What works, but not as well as it could, each with the way out. */
  get warnings(): readonly string[] {
    const standing = standingWarnings({
      nexthops: this.#settings.nexthopObjects === 'off' ? 'off' : this.#nexthopsKnownToKernel,
      lacksIpv6: this.#lacksIpv6,
      strays: this.#bridgePorts.strays,
    });
    const shadows = describeShadows(this.#foreignRoutes, this.#tracker);
    return [...standing, ...shadows, ...this.#silent.warnings, ...(this.#settings.offload?.warnings ?? [])];
  }

  /** Forgets which ports stood on which bridge: the bridges go. */
  forgetPorts(): void {
    this.#bridgePorts.forget();
  }

  /**
   * Compares a part of the kernel with what is wanted anyway.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read.
   */
  async observe(host: HostDescription, { kinds, devices, entries }: CheckScope): Promise<Observation> {
    const told = observeEntries(entries, this.#tracker, (nexthop) => this.#peers.routesThrough(nexthop));
    const wanted = kinds.size + devices.size > 0 ? planHost(host) : [];
    const alone = devices.size > 0 ? await this.#observeDevices(host, wanted, devices) : [];
    if (kinds.size === 0) return { drifted: [...told.drifted, ...alone], surplus: told.surplus };
    const snapshot = await this.#read(host, wanted, { kinds });
    for (const object of this.#bridgeMacs.pin(wanted, snapshot.objects))
      if (object.kind === 'link') this.#tracker.want(object);
    for (const kind of DEPENDENT)
      if (kinds.has(kind))
        this.#tracker.wantAll(kind, [...wanted, ...this.#dependent(host, wanted, snapshot)]);
    const { drifted, surplus } = this.#tracker.observeKinds(kinds, snapshot.objects);
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
      if (object.kind === 'link' && only.has(object.name)) this.#tracker.want(object);
    const ports = this.#portsOf(wanted, snapshot, only);
    const plugged = new Set(ports.map(({ device }) => device));
    for (const device of only) if (!plugged.has(device)) this.#tracker.unwant(`port ${device}`);
    for (const object of [...ports, ...(only.has(host.vtep.name) ? this.#offloadOf(host, snapshot) : [])])
      this.#tracker.want(object);
    const settings = dockerSettingsAmong(host, snapshot);
    const there = new Set(settings.map(keyOf));
    const possible = dockerSettings(host).filter((setting) => isOfDevices(setting, only));
    for (const setting of possible) if (!there.has(keyOf(setting))) this.#tracker.unwant(keyOf(setting));
    for (const setting of settings) this.#tracker.want(setting);
    const standing = [...this.#tracker.wantedOf('address'), ...this.#tracker.wantedOf('sysctl')].filter(
      (object) => isOfDevices(object, only),
    );
    const keys = [...only].flatMap((device) => [`link ${device}`, `port ${device}`, `offload ${device}`]);
    // What a device that is gone had set is gone with it: nothing is to be put back.
    const looked = new Set([...keys, ...standing.map(keyOf), ...possible.map(keyOf)]);
    return this.#tracker.observeKeys([...looked], snapshot.objects);
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

  /**
   * Plans everything anew and compares the whole kernel with it. Returns second objects under one key.
   * @throws OverlayError `unavailable` if the kernel's tables cannot be read; what is wanted stays as it was then.
   */
  async compare(host: HostDescription): Promise<readonly KernelObject[]> {
    const wanted = planHost(host);
    const snapshot = await this.#read(host, wanted);
    const ours = snapshot.objects.filter((object): object is Nexthop => object.kind === 'nexthop');
    this.#ids.restart(ours, snapshot.foreignNexthopIds);
    this.#nexthopsKnownToKernel = snapshot.nexthopObjects;
    this.#lacksIpv6 = host.enableIpv6 && !snapshot.ipv6;
    const surplus = this.#tracker.restart(snapshot.objects);
    for (const object of this.#bridgeMacs.pin(wanted, snapshot.objects)) this.#tracker.want(object);
    for (const object of this.#dependent(host, wanted, snapshot)) this.#tracker.want(object);
    this.#peers.rebase(host, peerPlanner(host, this.#nexthopIdOf()));
    return this.#tracker.preferWanted(surplus);
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

  #offloadOf(host: HostDescription, { objects, silent = [] }: KernelSnapshot): readonly ChecksumOffload[] {
    if (silent.some(({ kind }) => kind === 'offload')) return [];
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
    const links = wanted.filter((object): object is Link => object.kind === 'link');
    const devices = links.map(({ name }) => name);
    const aliases = new Map(
      links.flatMap((link) => (link.type === 'bridge' ? [[link.alias, link.name] as const] : [])),
    );
    const settings = [...wanted, ...dockerSettings(host)].filter(
      (object) => part.only === undefined || isOfDevices(object, part.only),
    );
    const sysctls = settings.flatMap((object) => (object.kind === 'sysctl' ? [object.key] : []));
    const offload = this.#settings.offload !== undefined;
    const scope = { vtep: host.vtep.name, devices, aliases, sysctls, underlay: host.ip, offload, ...part };
    const snapshot = await this.#tables.read(scope, { timeoutMs: host.commandTimeoutMs });
    if (part.only === undefined && (part.kinds?.has('link') ?? true))
      this.#underlay = knownUnderlay(snapshot, this.#underlay);
    this.#silent.note(snapshot.silent ?? [], part);
    if (snapshot.foreignRoutes !== undefined)
      this.#foreignRoutes = routesOfInterest(snapshot.foreignRoutes, activeSubnets(host));
    // What Docker's bridges have by default is no setting of ours.
    const planned = new Set(planDockerSettings(host).map(keyOf));
    const objects = snapshot.objects.filter(
      (object) => !isDockerSetting(object) || planned.has(keyOf(object)) || isOurDockerSetting(object),
    );
    return { ...snapshot, objects: withoutNeedlessMutes(objects) };
  }
}

/** Whether an address or a setting is one of these devices. */
function isOfDevices(object: KernelObject, devices: ReadonlySet<string>): boolean {
  if (object.kind === 'address') return devices.has(object.device);
  return object.kind === 'sysctl' && object.key.split('/').some((part) => devices.has(part));
}

/** Only a device on which IPv6 is wanted, and not off just now, shall have a link-local address. */
function withoutNeedlessMutes(objects: readonly KernelObject[]): readonly KernelObject[] {
  // Hardly ever there is one, and there may be millions of other objects.
  if (!objects.some((object) => object.kind === 'link' && object.type !== 'foreign' && object.mute))
    return objects;
  const speaking = new Set(
    objects.flatMap((object) => (object.kind === 'sysctl' && object.value === '0' ? [object.key] : [])),
  );
  return objects.map((object) => {
    if (object.kind !== 'link' || object.type === 'foreign' || !object.mute) return object;
    if (speaking.has(`net/ipv6/conf/${object.name}/disable_ipv6`)) return object;
    const { mute: _, ...link } = object;
    return link;
  });
}
