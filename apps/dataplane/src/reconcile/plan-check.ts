import {
  attributesOf,
  type FdbEntry,
  KERNEL_OBJECT_KINDS,
  type KernelObject,
  type KernelObjectKind,
  keyOf,
  type Neighbour,
  type Route,
} from '../kernel/kernel-object.js';
import type { KernelEntry, KernelEvent, LinkChange } from '../kernel/kernel-watch.js';
import { isOwnBridgeName, MAIN_TABLE } from '../kernel/ownership.js';
import { prefixOfInterface } from '../kernel/prefix-of-interface.js';
import type { EntryReport } from './check-scope.js';
import type { DeltaTracker } from './delta-tracker.js';

/** Every kind. */
export const ALL_KINDS: ReadonlySet<KernelObjectKind> = new Set(KERNEL_OBJECT_KINDS);

/** The kernel removes routes with their nexthop without a word. */
const NEXTHOPS: readonly KernelObjectKind[] = ['nexthop', 'route'];

/** Of a bridge that is gone; nothing else stands on one, or hangs on it. */
const OF_BRIDGE: readonly KernelObjectKind[] = ['link', 'address', 'sysctl', 'port'];

/** Only its MTU and driver matter, and whether it has the address. */
const OF_UNDERLAY: readonly KernelObjectKind[] = ['link'];

/** With an address of the VXLAN device the kernel drops nexthops and routes, some without a word. */
const OF_TUNNEL_ADDRESS: readonly KernelObjectKind[] = ['address', ...NEXTHOPS];

/** The devices whose events matter whatever stands on them. */
export interface WatchedDevices {
  readonly vtep: string;
  readonly underlay: string | undefined;
  /** Bridges of Docker's that have settings of ours. */
  readonly docker?: ReadonlySet<string>;
}

/**
 * What to do about an event. `kinds`, `devices`: read these; `entry`: believe the report; `settled`: the entry is as
 * it shall be, whatever was told of it before; `retry`: what stood in the way of this one may have gone, and where there is
 * a report it may have been told of what is being written just now.
 */
export type CheckStep =
  | { readonly step: 'kinds'; readonly kinds: Iterable<KernelObjectKind> }
  | { readonly step: 'devices'; readonly devices: readonly string[] }
  | { readonly step: 'entry'; readonly key: string; readonly report: EntryReport }
  | { readonly step: 'settled'; readonly key: string }
  | { readonly step: 'retry'; readonly key: string; readonly report?: EntryReport }
  | { readonly step: 'none' };

const NOTHING: CheckStep = { step: 'none' };

/** What {@link planCheck} asks about what is wanted. */
export type WantedObjects = Pick<DeltaTracker, 'wanted' | 'wantedOf' | 'deviates' | 'mayHold'>;

/**
 * What has to be looked at because of an event; nothing for the echo of our own writes and for what belongs to others.
 * What it costs goes with what the event is about, not with the number of peers: only what the kernel loses without
 * saying what, or somebody puts in the place of ours, has a whole kind read again.
 * @param devices names of the VXLAN device and, if known, of the device with the underlay address
 */
export function planCheck(event: KernelEvent, tracker: WantedObjects, devices: WatchedDevices): CheckStep {
  switch (event.type) {
    case 'lost':
      return { step: 'kinds', kinds: ALL_KINDS };
    case 'nftables':
      return { step: 'kinds', kinds: ['nftables'] };
    case 'docker':
      return { step: 'kinds', kinds: ['docker-accept'] };
    case 'nexthop-id':
      return { step: 'kinds', kinds: NEXTHOPS };
    case 'port':
      return { step: 'devices', devices: [event.device, event.bridge] };
    case 'link':
      if (isRenamed(event, tracker)) return { step: 'kinds', kinds: OF_BRIDGE };
      return planLink(event.device, event.change, tracker, devices);
    case 'address':
      return planAddress(event, tracker, devices);
    case 'sysctl': {
      const { device } = event;
      const ours = device === 'all' || isOurs(device, tracker, devices);
      return ours ? { step: 'kinds', kinds: ['sysctl'] } : NOTHING;
    }
    case 'entry':
      return planEntry(event, tracker, devices);
  }
}

function planLink(
  device: string,
  change: LinkChange,
  tracker: WantedObjects,
  devices: WatchedDevices,
): CheckStep {
  if (devices.docker?.has(device)) return { step: 'devices', devices: [device] };
  if (!isOurs(device, tracker, devices))
    return device === devices.underlay ? { step: 'kinds', kinds: OF_UNDERLAY } : NOTHING;
  if (device === devices.vtep && (change === 'gone' || change === 'down'))
    return { step: 'kinds', kinds: ALL_KINDS };
  if (change === 'gone') return { step: 'kinds', kinds: OF_BRIDGE };
  return { step: 'devices', devices: [device] };
}

/** Whether a device has a MAC of ours, but not the name: the kernel tells nothing of the old one. */
function isRenamed(
  { device, change, mac }: KernelEvent & { readonly type: 'link' },
  tracker: WantedObjects,
): boolean {
  if (mac === undefined || change === 'gone' || wantedLink(device, tracker) !== undefined) return false;
  for (const object of tracker.wantedOf('link'))
    if (object.kind === 'link' && object.type !== 'foreign' && object.mac === mac) return true;
  return false;
}

function planAddress(
  { device, address, gone }: KernelEvent & { readonly type: 'address' },
  tracker: WantedObjects,
  devices: WatchedDevices,
): CheckStep {
  // An address that comes while no device has the underlay address may be that one.
  if (device === devices.underlay || devices.underlay === undefined)
    if (!isOurs(device, tracker, devices)) return { step: 'kinds', kinds: OF_UNDERLAY };
  if (!isOurs(device, tracker, devices)) return NOTHING;
  if (address === undefined) return gone ? { step: 'devices', devices: [device] } : NOTHING;
  const wanted = tracker.wanted(keyOf({ kind: 'address', device, address })) !== undefined;
  if (wanted !== gone) return NOTHING;
  return gone && device === devices.vtep
    ? { step: 'kinds', kinds: OF_TUNNEL_ADDRESS }
    : { step: 'devices', devices: [device] };
}

function planEntry(
  { object, gone, marked }: KernelEvent & { readonly type: 'entry' },
  tracker: WantedObjects,
  { vtep }: WatchedDevices,
): CheckStep {
  const key = keyOf(object);
  const wanted = tracker.wanted(key);
  const ours = marked && (!('device' in object) || object.device === vtep);
  const believed = { step: 'entry', key, report: { object, gone } } as const;
  if (wanted === undefined) {
    // It may be wanted soon: after a start the peers are told later than the kernel is read.
    const mayStand = tracker.mayHold(key);
    if (ours && (mayStand || !gone)) return believed;
    if (!gone) return mayStand ? { step: 'kinds', kinds: kindsBeside(object) } : NOTHING;
    const forwarding = object.kind === 'neighbour' ? forwardingEntry(object, tracker) : undefined;
    if (forwarding !== undefined) return forwarding;
    const cutOff = object.kind === 'route' && cutsOff(object, tracker);
    return cutOff ? { step: 'kinds', kinds: ['address'] } : { step: 'settled', key };
  }
  const asWanted = ours && attributesOf(wanted) === attributesOf(object);
  if (gone) {
    const mayBeOurs = asWanted || isUnique(object);
    if (tracker.deviates(key))
      return { step: 'retry', key, ...(mayBeOurs ? { report: believed.report } : {}) };
    if (mayBeOurs) return believed;
    // It may have lain in front of ours.
    return object.kind === 'route' && !marked ? { step: 'kinds', kinds: ['route'] } : NOTHING;
  }
  if (asWanted) return { step: 'settled', key };
  return ours && isTelling(object) ? believed : { step: 'kinds', kinds: kindsBeside(object) };
}

/**
 * A forwarding entry that is no longer permanent is told like a neighbour at the peer's underlay address. Undefined: it
 * is a neighbour.
 */
function forwardingEntry({ device, mac, address }: Neighbour, tracker: WantedObjects): CheckStep | undefined {
  const object: FdbEntry = { kind: 'fdb', device, mac, underlay: address };
  const key = keyOf(object);
  const wanted = tracker.wanted(key);
  if (wanted === undefined) return tracker.mayHold(key) ? { step: 'kinds', kinds: ['fdb'] } : undefined;
  if (attributesOf(wanted) !== attributesOf(object)) return { step: 'kinds', kinds: ['fdb'] };
  return { step: 'entry', key, report: { object, gone: true } };
}

/** Whether this is where the kernel's own route into the prefix of an address of ours leads. */
function cutsOff({ table, prefix }: Route, tracker: WantedObjects): boolean {
  if (table !== MAIN_TABLE) return false;
  for (const object of tracker.wantedOf('address'))
    if (object.kind === 'address' && prefixOfInterface(object.address) === prefix) return true;
  return false;
}

/** Of these no second one can be there under the key. */
function isUnique({ kind }: KernelEntry): boolean {
  return kind === 'neighbour' || kind === 'admission';
}

/** A neighbour takes the place of the one before; a nexthop of another id never does. Of others either may be true. */
function isTelling({ kind }: KernelEntry): boolean {
  return kind === 'neighbour' || kind === 'nexthop';
}

function kindsBeside({ kind }: KernelEntry): readonly KernelObjectKind[] {
  return kind === 'nexthop' ? NEXTHOPS : [kind];
}

function isOurs(device: string, tracker: WantedObjects, { vtep }: WatchedDevices): boolean {
  return device === vtep || isOwnBridgeName(device) || wantedLink(device, tracker) !== undefined;
}

function wantedLink(device: string, tracker: WantedObjects): KernelObject | undefined {
  return tracker.wanted(`link ${device}`);
}
