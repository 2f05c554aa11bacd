import { isOurDockerSetting } from '../desired/plan-docker-settings.js';
import type { BridgeLink, KernelObject, KernelObjectKind, VxlanLink } from '../kernel/kernel-object.js';
import type { KernelChange } from '../kernel/kernel-tables.js';
import { ADMISSION_TABLE, ALIAS_PREFIX } from '../kernel/ownership.js';
import type { Difference } from './delta-tracker.js';

/** What to do about one difference. */
export type DifferencePlan =
  | { readonly step: 'change'; readonly change: KernelChange }
  /** The VXLAN device must go and come back: an attribute differs that the kernel cannot change in place. */
  | { readonly step: 'recreate' }
  /** Somebody else's device has the name that we need; nothing is written on it. */
  | {
      readonly step: 'obstructed';
      readonly object: KernelObject;
      readonly device: string;
      readonly error: string;
    }
  /** Nothing is to be written; whatever we knew of the object can be forgotten. */
  | { readonly step: 'forget' }
  /** Not to be removed before the topology is known. */
  | { readonly step: 'wait' };

/** What is left as it is when nobody wants it any more: settings, and ports, which are the runtime's. */
const STAYS: ReadonlySet<KernelObjectKind> = new Set(['sysctl', 'offload', 'port']);

/** What a decision depends on beside the difference itself. */
export interface PlanContext {
  /** Name of the VXLAN device; a device of that type is ours under it, another is somebody else's. */
  readonly vtep: string;
  /** Whether a finished snapshot of the topology was seen since the process started. */
  readonly peersKnown: boolean;
  /** Whether an object goes whoever the peers are: its network is being deleted. */
  readonly isDoomed: (object: KernelObject) => boolean;
}

/** Decides about one difference. */
export function planDifference(
  difference: Difference,
  { vtep, peersKnown, isDoomed }: PlanContext,
): DifferencePlan {
  const { have, want } = difference;
  if (!peersKnown && want !== undefined && admits(want)) return { step: 'wait' };
  if (want === undefined) {
    if (have === undefined || (STAYS.has(have.kind) && !isOurDockerSetting(have))) return { step: 'forget' };
    if (have.kind === 'link' && have.type === 'foreign') return { step: 'forget' };
    if (!peersKnown && leadsToPeer(have) && !isDoomed(have)) return { step: 'wait' };
    return { step: 'change', change: { op: 'remove', object: have } };
  }
  if (have === undefined) return { step: 'change', change: { op: 'add', object: want } };
  if (have.kind === 'link' && want.kind === 'link' && !changesInPlace(have, want)) {
    if (have.type === 'vxlan' && want.name === vtep) return { step: 'recreate' };
    const error = `a device named ${want.name} is there that belongs to somebody else: remove or rename it`;
    return { step: 'obstructed', object: want, device: want.name, error };
  }
  return { step: 'change', change: { op: 'replace', object: want, previous: have } };
}

/** Closing the tunnel to strangers before the peers are known would close it to them as well. */
function admits(object: KernelObject): boolean {
  return object.kind === 'admission' || (object.kind === 'nftables' && object.name === ADMISSION_TABLE);
}

/** Objects that come from the topology and not from the description of the host. */
export function leadsToPeer(object: KernelObject): boolean {
  switch (object.kind) {
    case 'neighbour':
    case 'fdb':
    case 'nexthop':
    case 'admission':
      return true;
    case 'route':
      return object.target.type !== 'unreachable';
    default:
      return false;
  }
}

function changesInPlace(
  have: KernelObject & { readonly kind: 'link' },
  want: KernelObject & { readonly kind: 'link' },
): boolean {
  if (have.type === 'vxlan' && want.type === 'vxlan') return fixedPart(have) === fixedPart(want);
  return have.type === 'bridge' && want.type === 'bridge' && mayAdopt(have);
}

/** A CNI plugin that runs before us makes the bridge itself, without an alias. One with another alias has an owner. */
export function mayAdopt({ alias }: BridgeLink): boolean {
  return alias === '' || alias.startsWith(ALIAS_PREFIX);
}

/** The family of `local` decides which forwarding entries the device takes; without one it is none of ours. */
function fixedPart({ vni, port, local, misbuilt = '' }: VxlanLink): string {
  return `${vni} ${port} ${local?.includes(':')} ${misbuilt}`;
}
