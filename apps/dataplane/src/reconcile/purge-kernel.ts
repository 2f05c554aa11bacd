import { OverlayError } from '@overlay/failure';
import { isOurDockerSetting } from '../desired/plan-docker-settings.js';
import { type KernelObject, type KernelObjectKind, keyOf } from '../kernel/kernel-object.js';
import type { CallOptions, KernelTables } from '../kernel/kernel-tables.js';
import { orderChanges } from './order-changes.js';

/** What a purge did. */
export interface PurgeReport {
  readonly removed: number;
  /** What of ours is still there. */
  readonly leftovers: readonly KernelObject[];
}

/** What is removed by name; addresses, neighbour and forwarding entries and device settings go with their device. */
const EXPLICIT: ReadonlySet<KernelObjectKind> = new Set([
  'link',
  'nexthop',
  'route',
  'rule',
  'nftables',
  'docker-accept',
  'sysctl',
]);

/** What a purge looks for beside what bears our marks by itself. */
export interface PurgeScope {
  /** Name of the VXLAN device. */
  readonly vtep: string;
  /** Keys of the settings of Docker's bridges, which get the default again. */
  readonly settings: readonly string[];
}

/**
 * Removes everything that bears our marks (see `ownership.ts`) and looks again. Whatever this process knows plays no
 * part, so it works after a restart too. Global sysctls stay: other programs may have come to rely on them.
 * @param verify only look
 * @throws OverlayError `unavailable` if the kernel's tables cannot be read, also where a program does not answer that only
 * a part depends on: nobody shall believe that nothing is left.
 */
export async function purgeKernel(
  tables: KernelTables,
  scope: PurgeScope,
  verify: boolean,
  options: CallOptions,
): Promise<PurgeReport> {
  const before = await readOurs(tables, scope, options);
  if (verify || before.length === 0) return { removed: 0, leftovers: before };
  const changes = before
    .filter(({ kind }) => EXPLICIT.has(kind))
    .map((object) => ({ op: 'remove', object }) as const);
  // What the kernel refuses shows in the second look.
  await tables.apply(orderChanges(changes), options);
  const leftovers = await readOurs(tables, scope, options);
  const left = new Set(leftovers.map(keyOf));
  return { removed: before.filter((object) => !left.has(keyOf(object))).length, leftovers };
}

async function readOurs(tables: KernelTables, { vtep, settings }: PurgeScope, options: CallOptions) {
  const { objects, silent = [] } = await tables.read({ vtep, devices: [], sysctls: settings }, options);
  const [missing] = silent;
  if (missing !== undefined)
    throw new OverlayError('unavailable', `${missing.error}: try again when it does`);
  return objects.filter((object) => {
    if (object.kind === 'sysctl') return isOurDockerSetting(object);
    return object.kind !== 'port' && !(object.kind === 'link' && object.type === 'foreign');
  });
}
