import type { Capacity, Container } from '@overlay/contracts';

/** True if two rows of the capacity say the same, whichever agent, network, half and family they are of. */
export function isSameCapacity(a: Capacity, b: Capacity): boolean {
  return (
    a.total === b.total &&
    a.used === b.used &&
    a.reserved === b.reserved &&
    a.cooling === b.cooling &&
    a.free === b.free &&
    a.largestBurst === b.largestBurst &&
    a.exhaustedSinceMs === b.exhaustedSinceMs &&
    a.silent === b.silent
  );
}

/** True if two reports list the same capacity in the same order. */
export function areSameCapacities(before: readonly Capacity[], after: readonly Capacity[]): boolean {
  return areSame(before, after, (a, b) => isSamePlace(a, b) && isSameCapacity(a, b));
}

/** True if two reports list the same containers in the same order. */
export function areSameContainers(before: readonly Container[], after: readonly Container[]): boolean {
  return areSame(before, after, isSameContainer);
}

function areSame<Row>(
  before: readonly Row[],
  after: readonly Row[],
  isSame: (a: Row, b: Row) => boolean,
): boolean {
  if (before.length !== after.length) return false;
  return after.every((row, at) => {
    const known = before[at];
    return known !== undefined && isSame(known, row);
  });
}

function isSamePlace(a: Capacity, b: Capacity): boolean {
  return a.agentIp === b.agentIp && a.network === b.network && a.half === b.half && a.family === b.family;
}

function isSameContainer(a: Container, b: Container): boolean {
  return (
    a.containerId === b.containerId &&
    a.interface === b.interface &&
    a.network === b.network &&
    a.half === b.half &&
    a.ip === b.ip &&
    a.ip6 === b.ip6 &&
    a.agentIp === b.agentIp &&
    isSameLabels(a.labels, b.labels)
  );
}

function isSameLabels(a: Container['labels'], b: Container['labels']): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}
