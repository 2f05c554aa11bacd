import { type IpFamily, isIpAddress, parseIpAddress } from '@overlay/allocation';
import type { Route } from '../kernel-object.js';
import { ROUTE_METRIC } from '../ownership.js';

/** rtnetlink's types of routes that are no unicast (RTN_*), by number, as `ip -N` prints them. */
const ROUTE_TYPES: ReadonlyMap<string, string> = new Map([
  ['2', 'local'],
  ['6', 'blackhole'],
  ['7', 'unreachable'],
  ['8', 'prohibit'],
  ['9', 'throw'],
]);

/** What `ip` says of a route beside prefix, table and protocol. */
export interface RouteFacts {
  /** A number of {@link ROUTE_TYPES}; absent for unicast. */
  readonly type?: string | undefined;
  readonly nhid?: number | undefined;
  readonly gateway?: string | undefined;
  readonly device?: string | undefined;
  readonly metric?: number | undefined;
  readonly tos?: string | undefined;
}

/** Whether routes of this type lead packets from where others would lead them. Those of broadcast, anycast and multicast do not. */
export function isRouteType(type: string | undefined): boolean {
  return type === undefined || ROUTE_TYPES.has(type);
}

/** Where a route leads; `other` for what we never write, with every word that tells it from ours. */
export function routeTarget(facts: RouteFacts, family: IpFamily): Route['target'] {
  const { type, nhid, gateway, device, tos } = facts;
  const metric = facts.metric ?? ROUTE_METRIC[family];
  if (tos === undefined && ROUTE_TYPES.get(type ?? '') === 'unreachable')
    return { type: 'unreachable', metric };
  const plain = type === undefined && tos === undefined && metric === ROUTE_METRIC[family];
  if (plain && nhid !== undefined) return { type: 'nexthop', id: nhid };
  if (plain && gateway !== undefined && device !== undefined && isIpAddress(gateway))
    return { type: 'gateway', gateway: parseIpAddress(gateway), device };
  const routeType = type === undefined ? undefined : ROUTE_TYPES.get(type);
  return { type: 'other', ...(routeType === undefined ? {} : { routeType }), text: words(facts, metric) };
}

function words({ type, nhid, gateway, device, tos }: RouteFacts, metric: number): string {
  // The kernel gives IPv6 routes that lead nowhere the device `lo`.
  const leadsSomewhere = type === undefined || ROUTE_TYPES.get(type) === 'local';
  const where =
    nhid === undefined
      ? [
          ...(gateway === undefined ? [] : [`via ${gateway}`]),
          ...(device === undefined ? [] : [`dev ${device}`]),
        ]
      : [`nhid ${nhid}`];
  return [
    ...(tos === undefined ? [] : [`tos ${tos}`]),
    ...(leadsSomewhere ? where : []),
    ...(metric === 0 ? [] : [`metric ${metric}`]),
  ].join(' ');
}
