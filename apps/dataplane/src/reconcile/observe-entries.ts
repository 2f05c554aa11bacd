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
      const stood = tracker.have(key);
      drifted.push(...tracker.observeKeys([key], []));
      if (object.kind !== 'nexthop') continue;
      if (asWanted) drifted.push(...tracker.observeKeys(routesThrough(object).map(keyOf), []));
      else if (stood !== undefined) drifted.push(...tracker.observeKeys(presentThrough(object, tracker), []));
    }
  }
  return { drifted: [...drifted, ...surplus], surplus };
}

/** Keys of the routes through a nexthop that nobody wants, or wants yet. */
function presentThrough({ id }: Nexthop, tracker: DeltaTracker): readonly string[] {
  return [...tracker.presentObjects(['route'])]
    .filter(
      (object) => object.kind === 'route' && object.target.type === 'nexthop' && object.target.id === id,
    )
    .map(keyOf);
}
