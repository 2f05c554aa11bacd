import {
  ADDRESS_BITS,
  type IpFamily,
  isMacAddress,
  parseCidr,
  parseInterfaceAddress,
  parseIpAddress,
  parseMacAddress,
} from '@overlay/allocation';
import type { Route } from '../kernel-object.js';
import type { KernelEntry, KernelEvent, LinkChange } from '../kernel-watch.js';
import {
  CNI_BRIDGE_PREFIX,
  LOCAL_TABLE,
  MAIN_TABLE,
  NEXTHOP_ID_BASE,
  PEER_TABLE,
  ROUTE_PROTOCOL,
  RULE_PRIORITY,
  SHARED_BRIDGE_PREFIX,
} from '../ownership.js';
import { isRouteType, routeTarget } from './route-target.js';

const LOST: KernelEvent = { type: 'lost' };
const LABEL = /^\[([A-Z]+)\]/;
const DELETED = 'Deleted ';
const LINK = /^\d+: ([^\s:@]+)[^<]*<([^>]*)>/;
const ADDRESS = /^\d+: (\S+)\s+inet6? (\S+) (?:.* )?scope (\d+)/;
/** rtnetlink's RT_SCOPE_LINK: the kernel makes such addresses itself. */
const SCOPE_LINK = '253';
const LINK_MAC = / link\/\S+ ([0-9a-f:]{17})(?: |$)/;
const NETCONF = /^inet6? (\S+) .*(?:forwarding|rp_filter)/;
const NEIGHBOUR = /^(\S+) dev (\S+)(?: lladdr (\S+))?/;
const NEXTHOP = /^id (\d+) (?:via (\S+) dev (\S+))?/;
const RULE = /^(\d+):\s+from (\S+) lookup (\S+)/;
/** An optional route type (RTN_*, absent for unicast) before the destination; that of MPLS is a bare number. */
const ROUTE = /^(?:(\d+) )?([0-9a-f]*[.:][0-9a-f.:]*(?:\/\d+)?)(?= |$)/;
const VIA = / via (\S+) dev (\S+)/;
/** `5: veth1@if2: <…> master m-dcos …`. */
const PORT_OF_OURS = new RegExp(` master ((?:${CNI_BRIDGE_PREFIX}|${SHARED_BRIDGE_PREFIX})\\S+)`);
/** The queue of a device that was never up. */
const NEVER_UP = / qdisc noop /;
const NO_MAC = parseMacAddress('00:00:00:00:00:00');
const OUR_PROTOCOL = String(ROUTE_PROTOCOL);

/**
 * One line of `ip -N -o monitor label link address neigh route nexthop rule netconf`. Undefined if it cannot concern
 * us; `lost` if it is not understood, as the monitor's own errors (a buffer that ran over) are not.
 */
export function parseIpEvent(line: string): KernelEvent | undefined {
  const [mark = '', label] = LABEL.exec(line) ?? [];
  if (label === undefined) return line.trim() === '' ? undefined : LOST;
  const gone = line.startsWith(DELETED, mark.length);
  try {
    return parseLabelled(label, gone, line.slice(mark.length + (gone ? DELETED.length : 0)));
  } catch {
    return LOST;
  }
}

function parseLabelled(label: string, gone: boolean, text: string): KernelEvent | undefined {
  switch (label) {
    case 'LINK':
      return parseLink(gone, text);
    case 'ADDR':
      return parseAddress(gone, text);
    case 'NETCONF': {
      const device = NETCONF.exec(text)?.[1];
      return device === undefined ? undefined : { type: 'sysctl', device };
    }
    case 'NEIGH':
      return parseNeighbour(gone, text);
    case 'NEXTHOP':
      return parseNexthop(gone, text);
    case 'ROUTE':
      return parseRoute(gone, text);
    case 'RULE':
      return parseRule(gone, text);
    default:
      return undefined;
  }
}

function parseLink(gone: boolean, text: string): KernelEvent {
  const [, device, flags = ''] = LINK.exec(text) ?? [];
  if (device === undefined) return LOST;
  const bridge = PORT_OF_OURS.exec(text)?.[1];
  if (bridge !== undefined) return { type: 'port', device, bridge };
  const mac = LINK_MAC.exec(text)?.[1];
  const change = linkChange(gone, flags, text);
  return { type: 'link', device, change, ...(mac === undefined ? {} : { mac: parseMacAddress(mac) }) };
}

function linkChange(gone: boolean, flags: string, text: string): LinkChange {
  if (gone) return 'gone';
  if (flags.split(',').includes('UP')) return 'up';
  return NEVER_UP.test(text) ? 'new' : 'down';
}

function parseAddress(gone: boolean, text: string): KernelEvent | undefined {
  const [, device, address = '', scope] = ADDRESS.exec(text) ?? [];
  if (device === undefined) return LOST;
  if (scope === SCOPE_LINK) return gone ? { type: 'address', device, gone } : undefined;
  // The address of a pair of hosts has no prefix of its own.
  if (!address.includes('/')) return { type: 'address', device, gone };
  return { type: 'address', device, address: parseInterfaceAddress(address), gone };
}

function entryEvent(object: KernelEntry, gone: boolean, marked: boolean): KernelEvent {
  return { type: 'entry', object, gone, marked };
}

/** Forwarding entries come as neighbours with the state NOARP, their underlay address in front. */
function parseNeighbour(gone: boolean, text: string): KernelEvent | undefined {
  const [, address, device, lladdr] = NEIGHBOUR.exec(text) ?? [];
  if (device === undefined) return undefined;
  if (address === undefined) return LOST;
  // Devices that are no Ethernet have link addresses of other lengths (InfiniBand), tunnels those of their ends.
  if (lladdr !== undefined && !isMacAddress(lladdr)) return undefined;
  const absent = gone || !text.includes(' PERMANENT');
  const mac = lladdr === undefined ? NO_MAC : parseMacAddress(lladdr);
  const ip = parseIpAddress(address);
  const object: KernelEntry = text.includes(' NOARP')
    ? { kind: 'fdb', device, mac, underlay: ip }
    : { kind: 'neighbour', device, address: ip, mac };
  return entryEvent(object, absent, true);
}

function parseNexthop(gone: boolean, text: string): KernelEvent | undefined {
  const [, digits, gateway, device] = NEXTHOP.exec(text) ?? [];
  const id = Number(digits);
  const inOurRange = isOurs(id, NEXTHOP_ID_BASE[4]) || isOurs(id, NEXTHOP_ID_BASE[6]);
  const marked = protocolOf(text) === OUR_PROTOCOL;
  // Whoever replaces a nexthop of ours leaves no word of the old one but its id.
  if (inOurRange && !marked) return { type: 'nexthop-id', id };
  if (gateway === undefined || device === undefined) return undefined;
  return entryEvent({ kind: 'nexthop', device, gateway: parseIpAddress(gateway), id }, gone, marked);
}

function parseRoute(gone: boolean, text: string): KernelEvent | undefined {
  const [, type, destination] = ROUTE.exec(text) ?? [];
  if (destination === undefined || !isRouteType(type)) return undefined;
  const table = Number(wordAfter(text, ' table ') ?? MAIN_TABLE);
  // The kernel tells of each address that a host gets.
  if (table === LOCAL_TABLE) return undefined;
  const family = destination.includes(':') ? 6 : 4;
  const prefix = parseCidr(
    destination.includes('/') ? destination : `${destination}/${ADDRESS_BITS[family]}`,
  );
  const route: Route = { kind: 'route', table, prefix, target: targetOf(type, text, family) };
  return entryEvent(route, gone, protocolOf(text) === OUR_PROTOCOL);
}

function targetOf(type: string | undefined, text: string, family: IpFamily): Route['target'] {
  const [nhid, metric] = [wordAfter(text, ' nhid '), wordAfter(text, ' metric ')];
  const [, gateway, device] = nhid === undefined ? (VIA.exec(text) ?? []) : [];
  const facts = {
    type,
    nhid: nhid === undefined ? undefined : Number(nhid),
    gateway,
    device: device ?? wordAfter(text, ' dev '),
    metric: metric === undefined ? undefined : Number(metric),
    tos: wordAfter(text, ' tos '),
  };
  return routeTarget(facts, family);
}

function parseRule(gone: boolean, text: string): KernelEvent | undefined {
  const [, priority, source, table] = RULE.exec(text) ?? [];
  if (Number(priority) !== RULE_PRIORITY || source === undefined || source === 'all') return undefined;
  const full = source.includes(':') ? 128 : 32;
  const cidr = parseCidr(source.includes('/') ? source : `${source}/${full}`);
  const rule = { kind: 'rule', source: cidr, table: Number(table), priority: RULE_PRIORITY } as const;
  return entryEvent(rule, gone, rule.table === PEER_TABLE && protocolOf(text) === OUR_PROTOCOL);
}

/** The kernel leaves out the protocol of routes that were added by hand. */
function protocolOf(text: string): string | undefined {
  return wordAfter(text, ' proto ');
}

/** The word that follows `mark`. Every write of ours comes back as an event, so this has to be fast. */
function wordAfter(text: string, mark: string): string | undefined {
  const at = text.indexOf(mark);
  if (at < 0) return undefined;
  const start = at + mark.length;
  const end = text.indexOf(' ', start);
  return end < 0 ? text.slice(start) : text.slice(start, end);
}

function isOurs(id: number, base: number): boolean {
  return id >= base && id <= base + 0xffffff;
}
