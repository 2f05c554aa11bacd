import { attributesOf, KERNEL_OBJECT_KINDS, type KernelObjectKind } from '../kernel/kernel-object.js';
import type { KernelEvent } from '../kernel/kernel-watch.js';
import { isOwnBridgeName } from '../kernel/ownership.js';
import type { DeltaTracker } from './delta-tracker.js';

/** Every kind. */
export const ALL_KINDS: ReadonlySet<KernelObjectKind> = new Set(KERNEL_OBJECT_KINDS);

/** What has to be read again for a change of an entry: the kernel removes routes with their nexthop without a word. */
const AFFECTED: Partial<Record<KernelObjectKind, readonly KernelObjectKind[]>> = {
  nexthop: ['nexthop', 'route'],
};

/** Of a bridge; nothing else stands on one, or hangs on it. */
const OF_BRIDGE: readonly KernelObjectKind[] = ['link', 'address', 'sysctl', 'port'];

/** Only its MTU matters, and whether it has the address. */
const OF_UNDERLAY: readonly KernelObjectKind[] = ['link'];

/** With an address of the VXLAN device the kernel drops nexthops and routes, some without a word. */
const OF_TUNNEL_ADDRESS: readonly KernelObjectKind[] = ['link', 'address', 'sysctl', 'nexthop', 'route'];

/** The devices whose events matter whatever stands on them. */
export interface WatchedDevices {
  readonly vtep: string;
  readonly underlay: string | undefined;
}

/**
 * The kinds that have to be read again because of an event; none for the echo of our own writes and for what belongs
 * to others. With that a change of one peer costs no dump of the rest.
 * @param devices names of the VXLAN device and, if known, of the device with the underlay address
 */
export function planCheck(
  event: KernelEvent,
  tracker: Pick<DeltaTracker, 'wanted'>,
  devices: WatchedDevices,
): Iterable<KernelObjectKind> {
  const { vtep } = devices;
  switch (event.type) {
    case 'lost':
      return ALL_KINDS;
    case 'nftables':
      return ['nftables'];
    case 'docker':
      return ['docker-accept'];
    case 'port':
      return ['port'];
    case 'device':
      return kindsOfDevice(event.kind, event.device, tracker, devices);
    case 'object': {
      const { kind, key, attributes, device } = event;
      const wanted = tracker.wanted(key);
      const marked = event.marked && (device === undefined || device === vtep);
      const asWanted = wanted !== undefined && marked && attributesOf(wanted) === attributes;
      const gone = attributes === undefined;
      if (wanted === undefined ? gone || !marked : asWanted) return [];
      return AFFECTED[kind] ?? [kind];
    }
  }
}

function kindsOfDevice(
  kind: 'link' | 'address' | 'sysctl',
  device: string,
  tracker: Pick<DeltaTracker, 'wanted'>,
  { vtep, underlay }: WatchedDevices,
): Iterable<KernelObjectKind> {
  const ours = device === vtep || isOwnBridgeName(device) || tracker.wanted(`link ${device}`) !== undefined;
  if (kind === 'sysctl') return ours || device === 'all' ? ['sysctl'] : [];
  // An address that comes while no device has the underlay address may be that one.
  const mayBeUnderlay = device === underlay || (underlay === undefined && kind === 'address');
  if (!ours) return mayBeUnderlay ? OF_UNDERLAY : [];
  if (device !== vtep) return OF_BRIDGE;
  return kind === 'link' ? ALL_KINDS : OF_TUNNEL_ADDRESS;
}
