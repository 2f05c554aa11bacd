import {
  ADDRESS_BITS,
  type Cidr,
  cidrFamily,
  cidrFrom,
  cidrRange,
  containsCidr,
  prefixLength,
} from '@overlay/allocation';
import { keyOf, type Route } from '../kernel/kernel-object.js';
import type { ForeignRoute } from '../kernel/kernel-tables.js';
import { LOCAL_TABLE, MAIN_TABLE, PEER_TABLE, ROUTE_METRIC } from '../kernel/ownership.js';
import type { DeltaTracker } from './delta-tracker.js';

/** More are not named. */
const MOST_NAMED = 10;

/** The routes of other programs that can lie in front of ours: of the overlay, or in the table with the peers' addresses. */
export function routesOfInterest(
  routes: readonly ForeignRoute[],
  subnets: readonly Cidr[],
): readonly ForeignRoute[] {
  return routes.filter(
    ({ table, prefix }) => table === PEER_TABLE || subnets.some((subnet) => containsCidr(subnet, prefix)),
  );
}

/**
 * Names the routes of other programs that the kernel takes for packets to peers although ours are there: for the same
 * prefix and preferred to ours, or for a part of it. Empty without any.
 */
export function describeShadows(
  routes: readonly ForeignRoute[],
  tracker: Pick<DeltaTracker, 'wanted'>,
): readonly string[] {
  const shadows = routes.filter((route) => shadowsOurs(route, tracker)).map(({ text }) => text);
  if (shadows.length === 0) return [];
  const more = shadows.length > MOST_NAMED ? ` and ${shadows.length - MOST_NAMED} more` : '';
  return [
    `routes of other programs take packets that belong to peers, and are left alone: ` +
      `${shadows.slice(0, MOST_NAMED).join(', ')}${more}; remove them (ip route del) if they are not meant`,
  ];
}

function shadowsOurs(route: ForeignRoute, tracker: Pick<DeltaTracker, 'wanted'>): boolean {
  const { prefix } = route;
  const ours = wantedRouteTo(prefix, route.table, tracker);
  if (ours === undefined) return false;
  if (ours.prefix !== prefix || route.table === LOCAL_TABLE) return true;
  const metric = ROUTE_METRIC[cidrFamily(prefix)];
  return route.metric < metric || (route.metric === metric && !route.behindOurs);
}

/** The most specific route to a peer that the prefix lies in. The kernel looks into the local table before the main one. */
function wantedRouteTo(
  prefix: Cidr,
  table: number,
  tracker: Pick<DeltaTracker, 'wanted'>,
): Route | undefined {
  const family = cidrFamily(prefix);
  const { first } = cidrRange(prefix);
  for (let length = prefixLength(prefix); length > 0; length -= 1) {
    const hostBits = BigInt(ADDRESS_BITS[family] - length);
    const wanted = tracker.wanted(
      keyOfRoute(table, cidrFrom(family, (first >> hostBits) << hostBits, length)),
    );
    if (wanted?.kind === 'route') return wanted;
  }
  return undefined;
}

function keyOfRoute(table: number, prefix: Cidr): string {
  const target = { type: 'other', text: '' } as const;
  return keyOf({ kind: 'route', table: table === LOCAL_TABLE ? MAIN_TABLE : table, prefix, target });
}
