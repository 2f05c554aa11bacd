import { KERNEL_OBJECT_KINDS, type KernelObjectKind } from '../kernel/kernel-object.js';
import type { KernelChange } from '../kernel/kernel-tables.js';

/**
 * What goes before anything is created: rules and routes, so that nothing leads into what is removed, and
 * addresses, for a second address of a subnet is secondary and would go with the first.
 */
const REMOVED_FIRST: readonly KernelObjectKind[] = ['rule', 'route', 'address'];

/**
 * What goes after everything is created: a nexthop or neighbour may still be in use by a route that is replaced in
 * between. A link goes last: deleting it under its nexthops and routes holds the kernel's rtnl lock for seconds.
 */
const REMOVED_LAST: readonly KernelObjectKind[] = [
  'sysctl',
  'docker-accept',
  'admission',
  'nftables',
  'nexthop',
  'neighbour',
  'fdb',
  'link',
];

/** The changes in the order in which the kernel can take them; within a kind the given order stays. */
export function orderChanges(changes: readonly KernelChange[]): readonly KernelChange[] {
  const removals = new Map<KernelObjectKind, KernelChange[]>();
  const writes = new Map<KernelObjectKind, KernelChange[]>();
  for (const change of changes) {
    const byKind = change.op === 'remove' ? removals : writes;
    const { kind } = change.object;
    const others = byKind.get(kind);
    if (others === undefined) byKind.set(kind, [change]);
    else others.push(change);
  }
  const pick = (byKind: ReadonlyMap<KernelObjectKind, KernelChange[]>, kinds: readonly KernelObjectKind[]) =>
    kinds.flatMap((kind) => byKind.get(kind) ?? []);
  return [
    ...pick(removals, REMOVED_FIRST),
    ...pick(writes, KERNEL_OBJECT_KINDS),
    ...pick(removals, REMOVED_LAST),
  ];
}
