import { addressToInteger, type Cidr, networkAddress, parseCidr } from '@overlay/allocation';
import type { NftTable } from '../kernel/kernel-object.js';
import { NFT_TABLE } from '../kernel/ownership.js';
import { activeSubnets, type HostDescription } from './host-description.js';
import { planForeignIpv4 } from './plan-foreign-ipv4.js';
import { planIsolation } from './plan-isolation.js';

/** Destinations that are never translated: loopback, link-local, multicast, and broadcast (RFC 6890, RFC 4291). */
const NEVER_TRANSLATED = {
  4: ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255/32'].map(parseCidr),
  6: ['::1/128', 'fe80::/10', 'ff00::/8'].map(parseCidr),
} as const;

/**
 * The nftables table of a host: isolation, and masquerade: packets from the overlay to anywhere but the overlay and the
 * VTEPs get the address of the device that they leave through. Through the VTEP, towards a peer host's own address, that
 * is the VTEP address. Without any half in use nothing is translated, but the table stays as the sign of ownership.
 *
 * The content is spelt exactly as `nft -s list table` prints it but for white space, so that a comparison of
 * texts tells whether the kernel holds it.
 */
export function planNftTable(host: HostDescription): NftTable {
  const wanted = host.configureCniBridges || host.configureDockerBridges;
  const overlay = wanted ? activeSubnets(host) : [];
  const inside = [...overlay, ...host.vtepSubnets];
  const of4 = (subnets: readonly Cidr[]) => subnets.filter((subnet) => !subnet.includes(':'));
  const of6 = (subnets: readonly Cidr[]) => subnets.filter((subnet) => subnet.includes(':'));
  const rules = [
    ...(of4(overlay).length > 0 ? ['ip saddr @overlay4 ip daddr != @inside4 masquerade'] : []),
    ...(of6(overlay).length > 0 ? ['ip6 saddr @overlay6 ip6 daddr != @inside6 masquerade'] : []),
  ];
  const isolation = planIsolation(host);
  const content = [
    `table inet ${NFT_TABLE} {`,
    set('overlay4', 'ipv4_addr', of4(overlay)),
    set('inside4', 'ipv4_addr', [...of4(inside), ...NEVER_TRANSLATED[4]]),
    ...(host.enableIpv6
      ? [
          set('overlay6', 'ipv6_addr', of6(overlay)),
          set('inside6', 'ipv6_addr', [...of6(inside), ...NEVER_TRANSLATED[6]]),
        ]
      : []),
    ...filterChain('forward', [...isolation.forward, ...planForeignIpv4(host)]),
    ...filterChain('input', isolation.input),
    ...filterChain('output', isolation.output),
    'chain postrouting {',
    'type nat hook postrouting priority srcnat; policy accept;',
    ...rules,
    '}',
    '}',
  ].join('\n');
  return { kind: 'nftables', family: 'inet', name: NFT_TABLE, content };
}

/** A chain without rules is left out. */
function filterChain(hook: 'forward' | 'input' | 'output', rules: readonly string[]): readonly string[] {
  if (rules.length === 0) return [];
  return [`chain ${hook} {`, `type filter hook ${hook} priority filter; policy accept;`, ...rules, '}'];
}

function set(name: string, type: string, subnets: readonly Cidr[]): string {
  const sorted = [...new Set(subnets)].sort((a, b) => {
    const difference = addressToInteger(networkAddress(a)) - addressToInteger(networkAddress(b));
    return difference < 0n ? -1 : Number(difference > 0n);
  });
  const elements = sorted.map((subnet) => subnet.replace(/(?<=\..*)\/32$|(?<=:.*)\/128$/, ''));
  const list = elements.length === 0 ? '' : `elements = { ${elements.join(', ')} }\n`;
  return `set ${name} {\ntype ${type}\nflags interval\n${list}}`;
}
