import type { KernelObject, Link, Route, VxlanLink } from '../kernel-object.js';
import type { KernelChange } from '../kernel-tables.js';
import { ROUTE_PROTOCOL } from '../ownership.js';

/**
 * The line of an `ip -batch` or `bridge -batch` file that makes a change. Every word comes from a parsed value
 * type or a constant, so nothing needs quoting.
 */
export function changeLine(change: KernelChange): string {
  const { op, object } = change;
  switch (object.kind) {
    case 'link':
      return linkLine(change, object);
    case 'address':
      return addressLine(op, object);
    case 'fdb':
      return op === 'remove'
        ? `fdb del ${object.mac} dev ${object.device} dst ${object.underlay} self`
        : `fdb ${op} ${object.mac} dev ${object.device} dst ${object.underlay} self permanent`;
    case 'neighbour':
      return op === 'remove'
        ? `neigh del ${object.address} dev ${object.device}`
        : `neigh ${op} ${object.address} lladdr ${object.mac} dev ${object.device} nud permanent`;
    case 'nexthop':
      return op === 'remove'
        ? `nexthop del id ${object.id}`
        : `nexthop add id ${object.id} via ${object.gateway} dev ${object.device} protocol ${ROUTE_PROTOCOL}`;
    case 'route':
      return `route ${op === 'remove' ? 'del' : op} ${routeWords(object)} protocol ${ROUTE_PROTOCOL}`;
    case 'rule':
      return `rule ${op === 'remove' ? 'del' : 'add'} from ${object.source} lookup ${object.table} priority ${object.priority}`;
    case 'nftables':
    case 'sysctl':
      return '';
  }
}

function linkLine(change: KernelChange, link: Link): string {
  if (change.op === 'remove') return `link del dev ${link.name}`;
  switch (link.type) {
    case 'vxlan':
      return change.op === 'add' ? newVxlan(link) : changedVxlan(link, change.previous);
    case 'bridge': {
      const common = `mtu ${link.mtuBytes} alias ${link.alias}`;
      return change.op === 'add'
        ? `link add name ${link.name} up address ${link.mac} ${common} type bridge`
        : `link set dev ${link.name} up ${common}`;
    }
    case 'foreign':
      return '';
  }
}

function newVxlan(link: VxlanLink): string {
  const tunnel = `id ${link.vni} dstport ${link.port} local ${link.local} nolearning`;
  return `link add name ${link.name} up address ${link.mac} mtu ${link.mtuBytes} type vxlan ${tunnel}`;
}

function changedVxlan(link: VxlanLink, previous: KernelObject): string {
  const words = `link set dev ${link.name} up mtu ${link.mtuBytes}`;
  const sameTunnel =
    previous.kind === 'link' &&
    previous.type === 'vxlan' &&
    previous.local === link.local &&
    previous.learning === link.learning;
  return sameTunnel ? words : `${words} type vxlan local ${link.local} nolearning`;
}

function addressLine(op: KernelChange['op'], object: { address: string; device: string }): string {
  if (op === 'remove') return `addr del ${object.address} dev ${object.device}`;
  const nodad = object.address.includes(':') ? ' nodad' : '';
  return `addr ${op} ${object.address} dev ${object.device}${nodad}`;
}

function routeWords(route: Route): string {
  const { target } = route;
  const where = `${route.prefix} table ${route.table}`;
  switch (target.type) {
    case 'nexthop':
      return `${where} nhid ${target.id}`;
    case 'unreachable':
      return `unreachable ${where} metric ${target.metric}`;
    case 'other':
      return where;
  }
}
