import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import type { FdbEntry, Neighbour, Nexthop, Route, Rule } from '../kernel-object.js';
import { MAIN_TABLE, PEER_TABLE, ROUTE_PROTOCOL, RULE_PRIORITY } from '../ownership.js';
import { routeTarget } from './route-target.js';

/** An entry of `ip -json neigh show nud permanent`. */
export interface NeighbourJson {
  readonly dst: string;
  readonly lladdr?: string;
}

/** An entry of `bridge -json fdb show`. */
export interface FdbJson {
  readonly mac: string;
  readonly dst?: string;
  readonly state?: string;
  readonly flags?: readonly string[];
  readonly port?: number;
  readonly vni?: number;
  readonly viaIf?: string;
}

/** An entry of `ip -N -json nexthop show`. */
export interface NexthopJson {
  readonly id: number;
  readonly gateway?: string;
  readonly dev?: string;
  readonly protocol?: string;
}

/** An entry of `ip -N -json route show`. */
export interface RouteJson {
  readonly dst: string;
  readonly type?: string;
  readonly table?: string;
  readonly nhid?: number;
  readonly metric?: number;
  readonly gateway?: string;
  readonly dev?: string;
  readonly tos?: string;
  readonly protocol?: string;
}

/** An entry of `ip -N -json rule show`. */
export interface RuleJson {
  readonly priority: number;
  readonly src?: string;
  readonly srclen?: number;
  readonly table?: string;
  readonly protocol?: string;
  /** What else a rule can ask for: `iif`, `fwmark`, `not`, …; ours never do. */
  readonly [selector: string]: unknown;
}

/** The permanent neighbour entries of a device. */
export function parseNeighbours(json: readonly NeighbourJson[], device: string): readonly Neighbour[] {
  return json.flatMap(({ dst, lladdr }) =>
    lladdr === undefined
      ? []
      : [{ kind: 'neighbour', device, address: parseIpAddress(dst), mac: parseMacAddress(lladdr) } as const],
  );
}

/** The permanent forwarding entries of the VXLAN device that lead to an underlay address. */
export function parseFdb(json: readonly FdbJson[], device: string): readonly FdbEntry[] {
  return json.flatMap((entry): readonly FdbEntry[] => {
    const { mac, dst, state } = entry;
    if (dst === undefined || state !== 'permanent') return [];
    const detour = detourOf(entry);
    const there = { kind: 'fdb', device, mac: parseMacAddress(mac), underlay: parseIpAddress(dst) } as const;
    return [{ ...there, ...(detour === '' ? {} : { detour }) }];
  });
}

function detourOf({ port, vni, viaIf }: FdbJson): string {
  return Object.entries({ port, vni, via: viaIf })
    .flatMap(([word, value]) => (value === undefined ? [] : [`${word} ${value}`]))
    .join(' ');
}

/** Our nexthops on the device, and the ids of everybody else's. */
export function parseNexthops(
  json: readonly NexthopJson[],
  device: string,
): { readonly ours: readonly Nexthop[]; readonly foreign: ReadonlySet<number> } {
  const ours: Nexthop[] = [];
  const foreign = new Set<number>();
  for (const { id, gateway, dev, protocol } of json) {
    if (gateway !== undefined && dev === device && protocol === String(ROUTE_PROTOCOL)) {
      ours.push({ kind: 'nexthop', device, gateway: parseIpAddress(gateway), id });
    } else foreign.add(id);
  }
  return { ours, foreign };
}

/** The routes of our protocol. */
export function parseRoutes(json: readonly RouteJson[]): readonly Route[] {
  return json.flatMap((entry): readonly Route[] => {
    if (entry.protocol !== String(ROUTE_PROTOCOL)) return [];
    const family = entry.dst.includes(':') || entry.gateway?.includes(':') ? 6 : 4;
    const full = family === 6 ? 128 : 32;
    const any = family === 6 ? '::/0' : '0.0.0.0/0';
    const text = entry.dst === 'default' ? any : entry.dst;
    const prefix = parseCidr(text.includes('/') ? text : `${text}/${full}`);
    const target = routeTarget({ ...entry, device: entry.dev }, family);
    return [{ kind: 'route', table: Number(entry.table ?? MAIN_TABLE), prefix, target }];
  });
}

/** Our rules. One that asks for more than a source would stand for ours without doing what it does. */
export function parseRules(json: readonly RuleJson[]): readonly Rule[] {
  return json.flatMap(({ priority, src, srclen, table, protocol, ...selectors }) => {
    if (priority !== RULE_PRIORITY || table !== String(PEER_TABLE) || src === undefined || src === 'all')
      return [];
    if (protocol !== String(ROUTE_PROTOCOL) || Object.keys(selectors).length > 0) return [];
    const source = parseCidr(`${src}/${srclen ?? (src.includes(':') ? 128 : 32)}`);
    return [{ kind: 'rule', source, table: PEER_TABLE, priority } as const];
  });
}
