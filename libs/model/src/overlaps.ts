import { type Cidr, cidrFamily, cidrRange } from '@overlay/allocation';
import type { FieldViolation } from '@overlay/failure';

/** A subnet with its place and owner, for the message. */
export interface OwnedSubnet {
  readonly subnet: Cidr;
  /** Path of the field that it stands in. */
  readonly field: string;
  /** What the subnet belongs to, for example `network dcos` or `the VTEPs`. */
  readonly owner: string;
}

interface PlacedSubnet extends OwnedSubnet {
  readonly first: bigint;
  readonly last: bigint;
  readonly order: number;
}

/**
 * A violation for every subnet that overlaps another, on the one that comes later in the given order. O(n log n):
 * prefixes nest or are disjoint, so one sweep that remembers the innermost open one finds them.
 */
export function findOverlaps(subnets: readonly OwnedSubnet[]): readonly FieldViolation[] {
  const found = new Map<number, FieldViolation>();
  for (const family of [4, 6] as const) {
    let open: PlacedSubnet | undefined;
    for (const subnet of sorted(subnets, family)) {
      if (open !== undefined && subnet.first <= open.last) {
        const [earlier, later] = open.order < subnet.order ? [open, subnet] : [subnet, open];
        found.set(later.order, overlapViolation(later, earlier));
      }
      if (open === undefined || subnet.last > open.last) open = subnet;
    }
  }
  return [...found].sort(([a], [b]) => a - b).map(([, violation]) => violation);
}

/** The violation that `subnet` overlaps `other`. */
export function overlapViolation(subnet: OwnedSubnet, other: OwnedSubnet): FieldViolation {
  const what = `${subnet.subnet} of ${subnet.owner} overlaps ${other.subnet} of ${other.owner}`;
  return { field: subnet.field, description: `${what}: subnets never share an address; choose a free range` };
}

function sorted(subnets: readonly OwnedSubnet[], family: 4 | 6): PlacedSubnet[] {
  return subnets
    .map((subnet, order) => ({ ...subnet, ...cidrRange(subnet.subnet), order }))
    .filter(({ subnet }) => cidrFamily(subnet) === family)
    .sort((a, b) => Number(a.first > b.first) - Number(a.first < b.first) || compareLonger(a, b));
}

function compareLonger(a: PlacedSubnet, b: PlacedSubnet): number {
  return Number(a.last < b.last) - Number(a.last > b.last) || a.order - b.order;
}
