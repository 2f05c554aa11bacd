import { familyOf } from '@overlay/allocation';
import { VTEP_UDP_PORT } from '@overlay/model';
import type { NftTable } from '../kernel/kernel-object.js';
import { ADMISSION_SET, ADMISSION_TABLE } from '../kernel/ownership.js';
import type { HostDescription } from './host-description.js';

/**
 * The nftables table that keeps strangers out of the tunnel. Its set holds the underlay addresses of the peers; they
 * come and go one by one (kind `admission`), which costs the kernel the same however many there are.
 *
 * `input`: VXLAN datagrams only from peers. `tunnel`: what comes out of the tunnel has a source that this host would
 * answer through the tunnel, that is a VTEP address or one of a peer's blocks (the routing table knows those, no
 * second list is needed), or a peer's underlay address. Both before connection tracking, and both count what they drop.
 */
export function planAdmission(host: HostDescription): NftTable {
  const [ip, type] = familyOf(host.ip) === 4 ? ['ip', 'ipv4_addr'] : ['ip6', 'ipv6_addr'];
  const content = [
    `table inet ${ADMISSION_TABLE} {`,
    `set ${ADMISSION_SET} {`,
    `type ${type}`,
    '}',
    'chain input {',
    'type filter hook input priority raw; policy accept;',
    `udp dport ${VTEP_UDP_PORT} ${ip} saddr @${ADMISSION_SET} accept`,
    `udp dport ${VTEP_UDP_PORT} counter drop`,
    '}',
    'chain tunnel {',
    'type filter hook prerouting priority raw; policy accept;',
    `iifname != "${host.vtep.name}" accept`,
    `${ip} saddr @${ADMISSION_SET} accept`,
    'fib saddr . iif oif missing counter drop',
    '}',
    '}',
  ].join('\n');
  return { kind: 'nftables', family: 'inet', name: ADMISSION_TABLE, content };
}
