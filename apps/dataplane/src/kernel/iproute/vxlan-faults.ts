import type { LinkFault } from '../kernel-object.js';

/** What `ip -json -details link show` says of a VXLAN device, as far as it is read. What is not set may be absent. */
export interface VxlanJson {
  readonly id?: number;
  readonly port?: number;
  readonly local?: string;
  readonly local6?: string;
  readonly learning?: boolean;
  readonly ttl?: number;
  readonly tos?: string;
  readonly df?: string;
  readonly label?: string;
  readonly remote?: string;
  readonly remote6?: string;
  readonly group?: string;
  readonly group6?: string;
  readonly link?: string;
  readonly limit?: number;
  readonly port_range?: { readonly low: number; readonly high: number };
  readonly udp_csum?: boolean;
  /** Flags, such as `proxy`. */
  readonly [flag: string]: unknown;
}

/** Flags that the kernel takes at creation only (`vxlan_nl2conf` of Linux); a device of ours has none of them. */
const FLAGS = [
  'external',
  'vnifilter',
  'proxy',
  'rsc',
  'l2miss',
  'l3miss',
  'gbp',
  'gpe',
  'remcsum_tx',
  'remcsum_rx',
  'udp_zero_csum6_tx',
  'udp_zero_csum6_rx',
] as const;

/** What differs from a device of ours and can be changed in place. */
export function vxlanFaults({ ttl = 0, tos, df = 'unset', label, ...data }: VxlanJson): readonly LinkFault[] {
  const { remote, remote6, group, group6 } = data;
  return [
    ...(ttl === 0 ? [] : (['ttl'] as const)),
    ...(tos === undefined ? [] : (['tos'] as const)),
    ...(df === 'unset' ? [] : (['df'] as const)),
    ...(label === undefined ? [] : (['flow-label'] as const)),
    ...((remote ?? remote6 ?? group ?? group6) === undefined ? [] : (['default-remote'] as const)),
  ];
}

/** What differs from a device of ours for as long as it is there, as `proxy limit 7`; empty if nothing does. */
export function misbuiltPart(data: VxlanJson): string {
  const { low = 0, high = 0 } = data.port_range ?? {};
  return [
    ...FLAGS.filter((flag) => data[flag] === true),
    // Without the attribute the kernel has no outer checksum of IPv4 to leave out.
    ...(data.udp_csum === false && data.local !== undefined ? ['noudpcsum'] : []),
    ...(data.limit === undefined ? [] : [`maxaddress ${data.limit}`]),
    ...(low === 0 && high === 0 ? [] : [`srcport ${low} ${high}`]),
    // The kernel would unbind it, its tool has no word for that.
    ...(data.link === undefined ? [] : [`dev ${data.link}`]),
  ].join(' ');
}
