import type { KernelObject, Link, Route } from '../kernel-object.js';
import { ROUTE_PROTOCOL } from '../ownership.js';

/** An object in the manner of the tool that lists it. */
export function dumpObject(object: KernelObject): string {
  switch (object.kind) {
    case 'link':
      return `link ${dumpLink(object)}`;
    case 'sysctl':
      return `sysctl ${object.key.replaceAll('/', '.')} = ${object.value}`;
    case 'address':
      return `addr ${object.address} dev ${object.device}${object.cutOff ? ' without route' : ''}`;
    case 'fdb':
      return `fdb ${object.mac} dev ${object.device} dst ${object.underlay} self permanent`;
    case 'neighbour':
      return `neigh ${object.address} dev ${object.device} lladdr ${object.mac} PERMANENT`;
    case 'nexthop':
      return `nexthop id ${object.id} via ${object.gateway} dev ${object.device} proto ${ROUTE_PROTOCOL}`;
    case 'route':
      return `route ${dumpRoute(object)} proto ${ROUTE_PROTOCOL}`;
    case 'rule':
      return `rule ${object.priority}: from ${object.source} lookup ${object.table}`;
    case 'nftables':
      return `nft ${object.content.replaceAll(/\s+/g, ' ').trim()}`;
    case 'admission':
      return `nft element ${object.address}`;
    case 'port':
      return `port ${object.device} master ${object.bridge}${object.hairpin ? ' hairpin' : ''}`;
    case 'offload':
      return `offload ${object.device} ${object.on ? 'on' : 'off'}`;
    case 'docker-accept':
      return `iptables ${object.backend} ${object.family} ${object.rule}`;
  }
}

function dumpLink(link: Link): string {
  switch (link.type) {
    case 'vxlan': {
      const tunnel = `vxlan id ${link.vni} local ${link.local ?? 'any'} dstport ${link.port}`;
      const learning = link.learning ? 'learning' : 'nolearning';
      return `${link.name} mtu ${link.mtuBytes} ${link.up ? 'UP' : 'DOWN'} ${link.mac} ${tunnel} ${learning}`;
    }
    case 'bridge':
      return `${link.name} mtu ${link.mtuBytes} ${link.up ? 'UP' : 'DOWN'} ${link.mac} bridge alias ${link.alias}`;
    case 'foreign':
      return `${link.name} foreign`;
  }
}

function dumpRoute({ prefix, table, target }: Route): string {
  switch (target.type) {
    case 'nexthop':
      return `${prefix} nhid ${target.id} table ${table}`;
    case 'gateway':
      return `${prefix} via ${target.gateway} dev ${target.device} table ${table}`;
    case 'unreachable':
      return `unreachable ${prefix} table ${table} metric ${target.metric}`;
    case 'other':
      return `${target.routeType ?? ''} ${prefix} ${target.text} table ${table}`.trim();
  }
}
