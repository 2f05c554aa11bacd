import { parseCidr } from '@overlay/allocation';
import type { ForeignRoute } from '../kernel-tables.js';
import { LOCAL_TABLE, MAIN_TABLE, PEER_TABLE, ROUTE_METRIC, ROUTE_PROTOCOL } from '../ownership.js';
import type { RouteJson } from './read-routing.js';
import { isRouteType, routeTarget } from './route-target.js';

/** Where packets of the overlay are looked up. */
const TABLES: ReadonlySet<number> = new Set([LOCAL_TABLE, MAIN_TABLE, PEER_TABLE]);

/** The routes of other programs, of those that `ip -N -json route show table all` lists; default routes are left out. */
export function parseForeignRoutes(json: readonly RouteJson[]): readonly ForeignRoute[] {
  return json.flatMap((entry, index): readonly ForeignRoute[] => {
    const { dst, type, protocol } = entry;
    const table = Number(entry.table ?? MAIN_TABLE);
    if (protocol === String(ROUTE_PROTOCOL) || dst === 'default') return [];
    if (!TABLES.has(table) || !isRouteType(type)) return [];
    const family = dst.includes(':') ? 6 : 4;
    const prefix = parseCidr(dst.includes('/') ? dst : `${dst}/${family === 6 ? 128 : 32}`);
    const metric = entry.metric ?? ROUTE_METRIC[family];
    return [{ table, prefix, metric, behindOurs: isBehindOurs(json, index), text: spell(entry, table) }];
  });
}

/** The kernel takes the first one of several routes that are alike, and lists them in that order. */
function isBehindOurs(json: readonly RouteJson[], index: number): boolean {
  const { dst, table, metric, tos } = json[index] ?? { dst: '' };
  for (let before = index - 1; before >= 0; before -= 1) {
    const other = json[before];
    if (other?.dst !== dst || other.table !== table) return false;
    if (other.protocol === String(ROUTE_PROTOCOL) && other.metric === metric && other.tos === tos)
      return true;
  }
  return false;
}

function spell(entry: RouteJson, table: number): string {
  const { dst, dev, protocol } = entry;
  const target = routeTarget({ ...entry, device: dev }, dst.includes(':') ? 6 : 4);
  const { head, tail } = spellTarget(target);
  const where = table === MAIN_TABLE ? [] : [`table ${table}`];
  return [head, dst, tail, ...where, ...(protocol === undefined ? [] : [`proto ${protocol}`])]
    .filter((word) => word !== '')
    .join(' ');
}

function spellTarget(target: ReturnType<typeof routeTarget>): {
  readonly head: string;
  readonly tail: string;
} {
  switch (target.type) {
    case 'nexthop':
      return { head: '', tail: `nhid ${target.id}` };
    case 'gateway':
      return { head: '', tail: `via ${target.gateway} dev ${target.device}` };
    case 'unreachable':
      return { head: 'unreachable', tail: target.metric === 0 ? '' : `metric ${target.metric}` };
    case 'other':
      return { head: target.routeType ?? '', tail: target.text };
  }
}
