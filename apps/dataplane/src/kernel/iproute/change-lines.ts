import { interfaceIp } from '@overlay/allocation';
import {
  type Address,
  attributesOf,
  type BridgeLink,
  type KernelObject,
  type Link,
  type LinkFault,
  type Route,
  type VxlanLink,
} from '../kernel-object.js';
import type { KernelChange } from '../kernel-tables.js';
import { ROUTE_PROTOCOL } from '../ownership.js';
import { prefixOfInterface } from '../prefix-of-interface.js';

/**
 * The lines of an `ip -batch` or `bridge -batch` file that make a change: mostly one. Every word comes from a parsed
 * value type or a constant, so nothing needs quoting.
 */
export function changeLines(change: KernelChange): readonly string[] {
  const { op, object } = change;
  switch (object.kind) {
    case 'link':
      return linkLines(change, object);
    case 'address':
      return [addressLine(change, object)];
    case 'fdb':
      return op === 'remove'
        ? [`fdb del ${object.mac} dev ${object.device} dst ${attributesOf(object)} self`]
        : // Never `add`: somebody may have left an entry there that is not permanent.
          [`fdb replace ${object.mac} dev ${object.device} dst ${object.underlay} self permanent`];
    case 'neighbour':
      return op === 'remove'
        ? [`neigh del ${object.address} dev ${object.device}`]
        : // Never `add`: a packet that waits for the address has made an entry of the kernel's own in its place.
          [`neigh replace ${object.address} lladdr ${object.mac} dev ${object.device} nud permanent`];
    case 'nexthop':
      return op === 'remove'
        ? [`nexthop del id ${object.id}`]
        : [
            `nexthop add id ${object.id} via ${object.gateway} dev ${object.device} protocol ${ROUTE_PROTOCOL}`,
          ];
    case 'route':
      return routeLines(change, object);
    case 'rule': {
      const words = `from ${object.source} lookup ${object.table} priority ${object.priority}`;
      return [`rule ${op === 'remove' ? 'del' : 'add'} ${words} protocol ${ROUTE_PROTOCOL}`];
    }
    case 'port': {
      if (op === 'remove') return [`link set dev ${object.device} nomaster`];
      const hairpin = object.hairpin ? [`link set dev ${object.device} type bridge_slave hairpin on`] : [];
      return [`link set dev ${object.device} master ${object.bridge}`, ...hairpin];
    }
    case 'nftables':
    case 'admission':
    case 'docker-accept':
    case 'offload':
    case 'sysctl':
      return [];
  }
}

function linkLines(change: KernelChange, link: Link): readonly string[] {
  if (change.op === 'remove') return [`link del dev ${presentName(link)}`];
  return [
    ...nameLines(change, link),
    ...deviceLines(change, link),
    ...remedyLines(change, link),
    ...unmuteLines(change, link),
  ];
}

/** A kernel before 6.2 renames a device only while it is down. */
function nameLines(change: KernelChange, link: Link): readonly string[] {
  if (change.op !== 'replace' || change.previous.kind !== 'link') return [];
  const present = presentName(change.previous);
  return present === link.name ? [] : [`link set dev ${present} name ${link.name}`];
}

function presentName(link: Link): string {
  return link.type === 'foreign' ? link.name : (link.renamedTo ?? link.name);
}

/** What undoes a fault, in words of `ip link set`. */
const REMEDIES: Readonly<Record<Exclude<LinkFault, 'default-remote'>, string>> = {
  port: 'nomaster',
  'no-arp': 'arp on',
  ttl: 'type vxlan ttl auto',
  tos: 'type vxlan tos 0',
  df: 'type vxlan df unset',
  'flow-label': 'type vxlan flowlabel 0',
};

function remedyLines(change: KernelChange, link: Link): readonly string[] {
  if (change.op !== 'replace') return [];
  const { previous } = change;
  if (previous.kind !== 'link' || previous.type === 'foreign') return [];
  return (previous.faults ?? []).map((fault) => `link set dev ${link.name} ${remedyOf(fault, link)}`);
}

function remedyOf(fault: LinkFault, link: Link): string {
  if (fault !== 'default-remote') return REMEDIES[fault];
  const isIpv6 = link.type === 'vxlan' && link.local?.includes(':') === true;
  return `type vxlan remote ${isIpv6 ? '::' : '0.0.0.0'}`;
}

/** The link-local address that the kernel would make (RFC 4291, appendix A). */
function unmuteLines(change: KernelChange, link: Link): readonly string[] {
  if (change.op !== 'replace' || link.type === 'foreign') return [];
  const { previous } = change;
  if (previous.kind !== 'link' || previous.type === 'foreign' || !previous.mute) return [];
  const [first = 0, ...rest] = link.mac.split(':').map((octet) => Number.parseInt(octet, 16));
  const octets = [first ^ 0x02, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  const groups =
    octets
      .map((octet) => octet.toString(16).padStart(2, '0'))
      .join('')
      .match(/.{4}/g) ?? [];
  return [`addr add fe80::${groups.join(':')}/64 dev ${link.name}`];
}

function deviceLines(change: KernelChange, link: Link): readonly string[] {
  switch (link.type) {
    case 'vxlan':
      return change.op === 'replace' ? changedVxlan(link, change.previous) : newVxlan(link);
    case 'bridge': {
      // The kernel takes no alias at creation; the second line runs within the same process.
      const common = `link set dev ${link.name} up mtu ${link.mtuBytes} alias ${link.alias}`;
      const created = `link add name ${link.name} address ${link.mac} mtu ${link.mtuBytes} type bridge`;
      return change.op === 'replace' ? [`${common}${pinnedMac(link, change.previous)}`] : [created, common];
    }
    case 'foreign':
      return [];
  }
}

/**
 * Setting a MAC, even the same one, keeps a bridge from taking those of its ports: for one that others made (it has no
 * alias). Otherwise only a MAC that differs is set, for the kernel forgets the neighbours of the device with it.
 */
function pinnedMac({ mac }: BridgeLink, previous: KernelObject): string {
  const ours = previous.kind === 'link' && previous.type === 'bridge' && previous.alias !== '';
  return ours && previous.mac === mac ? '' : ` address ${mac}`;
}

function newVxlan(link: VxlanLink): readonly string[] {
  const local = link.local === undefined ? '' : ` local ${link.local}`;
  const tunnel = `id ${link.vni} dstport ${link.port}${local} nolearning udpcsum`;
  const created = `link add name ${link.name} up address ${link.mac} mtu ${link.mtuBytes} type vxlan ${tunnel}`;
  return [created, `link set dev ${link.name} alias ${link.alias}`];
}

/** The kernel refuses an MTU in a change of tunnel attributes, so these are two lines. */
function changedVxlan(link: VxlanLink, previous: KernelObject): readonly string[] {
  const before = previous.kind === 'link' && previous.type === 'vxlan' ? previous : undefined;
  const mac = before?.mac === link.mac ? '' : ` address ${link.mac}`;
  const device = `link set dev ${link.name} up mtu ${link.mtuBytes} alias ${link.alias}${mac}`;
  const sameTunnel = before !== undefined && before.local === link.local && before.learning === link.learning;
  return sameTunnel
    ? [device]
    : [device, `link set dev ${link.name} type vxlan local ${link.local} nolearning`];
}

function addressLine(change: KernelChange, object: Address): string {
  const { op } = change;
  if (op === 'remove') return `addr del ${object.address} dev ${object.device}`;
  if (op === 'replace' && change.previous.kind === 'address' && change.previous.cutOff)
    return connectedRouteLine(object);
  const nodad = object.address.includes(':') ? ' nodad' : '';
  return `addr ${op} ${object.address} dev ${object.device}${nodad}`;
}

/** The route that the kernel makes with an address. To take the address away and give it back would cost what stands on it. */
function connectedRouteLine({ address, device }: Address): string {
  const where = `route add ${prefixOfInterface(address)} dev ${device} protocol kernel`;
  return address.includes(':') ? `${where} metric 256` : `${where} scope link src ${interfaceIp(address)}`;
}

/**
 * A route is replaced by a second one beside it: the kernel replaces whichever comes first, and somebody else's may lie in
 * front of ours. IPv6 routes that name their gateways would become one with their neighbours, and come one after the other.
 */
function routeLines(change: KernelChange, route: Route): readonly string[] {
  const line = (verb: string, each: Route) => `route ${verb} ${routeWords(each)} protocol ${ROUTE_PROTOCOL}`;
  if (change.op !== 'replace') return [line(change.op === 'remove' ? 'del' : 'add', route)];
  if (change.previous.kind !== 'route') return [];
  const merges = route.target.type === 'gateway' && route.prefix.includes(':');
  const gone = line('del', change.previous);
  return merges ? [gone, line('add', route)] : [line('append', route), gone];
}

function routeWords(route: Route): string {
  const { target } = route;
  const where = `${route.prefix} table ${route.table}`;
  switch (target.type) {
    case 'nexthop':
      return `${where} nhid ${target.id}`;
    case 'gateway':
      return `${where} via ${target.gateway} dev ${target.device}`;
    case 'unreachable':
      return `unreachable ${where} metric ${target.metric}`;
    case 'other':
      return [target.routeType ?? '', where, target.text].join(' ').trim();
  }
}
