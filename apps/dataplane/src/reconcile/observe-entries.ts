import { attributesOf, type KernelObject, keyOf, type Nexthop } from '../kernel/kernel-object.js';
import type { CheckScope } from './check-scope.js';
import type { DeltaTracker } from './delta-tracker.js';

/**
 * Takes over what the kernel told of single entries; what was written since it was told plays no part.
 * @param routesThrough the wanted routes through a nexthop, which go with it
 * @returns what drifted, and nexthops that stand beside a wanted one
 */
export function observeEntries(
  entries: CheckScope['entries'],
  tracker: DeltaTracker,
  routesThrough: (nexthop: Nexthop) => readonly KernelObject[],
): { readonly drifted: readonly KernelObject[]; readonly surplus: readonly KernelObject[] } {
  const drifted: KernelObject[] = [];
  const surplus: KernelObject[] = [];
  for (const [key, { object, gone }] of entries) {
    const wanted = tracker.wanted(key);
    const asWanted = wanted !== undefined && attributesOf(wanted) === attributesOf(object);
    if (!gone && wanted?.kind === 'nexthop' && !asWanted) surplus.push(object);
    else if (!gone) drifted.push(...tracker.observeKeys([], [object]));
    else if (asWanted || wanted?.kind === 'neighbour' || wanted === undefined) {
      drifted.push(...tracker.observeKeys([key], []));
      if (asWanted && object.kind === 'nexthop')
        drifted.push(...tracker.observeKeys(routesThrough(object).map(keyOf), []));
    }
  }
  return { drifted: [...drifted, ...surplus], surplus };
}
