import {
  type IpAddress,
  isIpAddress,
  parseInterfaceAddress,
  parseIpAddress,
  parseMacAddress,
} from '@overlay/allocation';
import type { UnderlayLink } from '../../desired/mtu-fit.js';
import type { Address, BridgePort, Link, LinkFault } from '../kernel-object.js';
import type { Cabling, ReadScope, VethState } from '../kernel-tables.js';
import { ALIAS_PREFIX, VTEP_ALIAS } from '../ownership.js';
import { misbuiltPart, type VxlanJson, vxlanFaults } from './vxlan-faults.js';

/** A device as `ip -json -details address show` prints it, as far as it is read. */
export interface LinkJson {
  readonly ifname: string;
  /** What it is called now, where `ifname` is what it shall be called. Not of `ip`, see `owed-names.ts`. */
  readonly renamedTo?: string;
  readonly ifindex?: number;
  /** Name of the bridge that the device is a port of. */
  readonly master?: string;
  /** Number of the namespace with the other end of a pair, if that is another one. */
  readonly link_netnsid?: number;
  readonly flags: readonly string[];
  readonly operstate?: string;
  readonly mtu: number;
  readonly address?: string;
  readonly ifalias?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    /** Of a VXLAN device; others have other data. */
    readonly info_data?: VxlanJson;
    /** As a port of a bridge. */
    readonly info_slave_data?: { readonly hairpin?: boolean };
  };
  readonly addr_info?: readonly {
    readonly local?: string;
    readonly prefixlen?: number;
    readonly scope?: string;
  }[];
}

/** The devices that are ours, or stand where ours shall be, and the addresses on ours. */
export function parseLinks(json: readonly LinkJson[], scope: ReadScope): readonly (Link | Address)[] {
  return json.flatMap((link): readonly (Link | Address)[] => {
    const parsed = parseLink(link, scope);
    if (parsed === undefined) return [];
    return parsed.type === 'foreign' ? [parsed] : [parsed, ...parseAddresses(link)];
  });
}

function parseLink(link: LinkJson, scope: ReadScope): Link | undefined {
  const common = {
    kind: 'link' as const,
    name: link.ifname,
    ...(link.renamedTo === undefined ? {} : { renamedTo: link.renamedTo }),
    mtuBytes: link.mtu,
    up: link.flags.includes('UP'),
    ...(isMute(link) ? { mute: true as const } : {}),
  };
  const { info_kind: type, info_data: data = {} } = link.linkinfo ?? {};
  const local = data.local ?? data.local6;
  const alias = link.ifalias ?? '';
  const misbuilt = misbuiltPart(data);
  const named = link.ifname === scope.vtep;
  if (type === 'vxlan' && link.address !== undefined && (named || alias === VTEP_ALIAS))
    return {
      ...common,
      type: 'vxlan',
      mac: parseMacAddress(link.address),
      vni: data.id ?? 0,
      port: data.port ?? 0,
      local: local === undefined ? undefined : parseIpAddress(local),
      learning: data.learning ?? true,
      alias,
      ...withFaults([...faultsOf(link, scope), ...vxlanFaults(data)]),
      ...(misbuilt === '' ? {} : { misbuilt }),
    };
  const wanted = named || scope.devices.includes(link.ifname);
  const ours = alias.startsWith(ALIAS_PREFIX);
  if (type === 'bridge' && !named && (ours || wanted) && link.address !== undefined)
    return {
      ...common,
      type: 'bridge',
      mac: parseMacAddress(link.address),
      alias,
      ...withFaults(faultsOf(link, scope)),
    };
  return wanted ? { kind: 'link', type: 'foreign', name: link.ifname } : undefined;
}

/** A tunnel that is a port hands its packets to its master; a device without ARP answers no container. */
function faultsOf({ ifname, master, flags }: LinkJson, { vtep }: ReadScope): readonly LinkFault[] {
  return [
    ...(ifname === vtep && master !== undefined ? (['port'] as const) : []),
    ...(flags.includes('NOARP') ? (['no-arp'] as const) : []),
  ];
}

function withFaults(faults: readonly LinkFault[]): { readonly faults?: readonly LinkFault[] } {
  return faults.length === 0 ? {} : { faults };
}

/** The kernel makes a link-local address when a device comes up, which a bridge does with its first port. */
function isMute({ flags, operstate, addr_info: addresses = [] }: LinkJson): boolean {
  const works = flags.includes('LOWER_UP') && (operstate === 'UP' || operstate === 'UNKNOWN');
  return works && addresses.every(({ local, scope }) => scope !== 'link' || !local?.includes(':'));
}

/** The device that has the address, whoever it belongs to. Others may have addresses of other families (`???` for MCTP). */
export function findUnderlay(json: readonly LinkJson[], address: IpAddress): UnderlayLink | undefined {
  const link = json.find(({ addr_info: addresses = [] }) =>
    addresses.some(
      ({ local }) => local !== undefined && isIpAddress(local) && parseIpAddress(local) === address,
    ),
  );
  return link && { device: link.ifname, mtuBytes: link.mtu };
}

/** What is plugged where. */
export function parseCabling(json: readonly LinkJson[]): Cabling {
  const bridges = new Map(
    json
      .filter(({ linkinfo }) => linkinfo?.info_kind === 'bridge')
      .map(({ ifname, ifindex }): [string, number] => [ifname, ifindex ?? 0]),
  );
  const veths = json
    .filter(({ linkinfo }) => linkinfo?.info_kind === 'veth')
    .map((link): VethState => {
      const bridgeIndex = link.master === undefined ? undefined : (bridges.get(link.master) ?? 0);
      return {
        device: link.ifname,
        index: link.ifindex ?? 0,
        ...(bridgeIndex === undefined ? {} : { bridgeIndex }),
        hairpin: link.linkinfo?.info_slave_data?.hairpin ?? false,
        leadsElsewhere: link.link_netnsid !== undefined,
      };
    });
  return { bridges, veths };
}

/** The ports of the bridges that have these names. */
export function portsOf({ bridges, veths }: Cabling, names: ReadonlySet<string>): readonly BridgePort[] {
  const byIndex = new Map([...bridges].map(([name, index]) => [index, name]));
  return veths.flatMap(({ device, bridgeIndex, hairpin }): readonly BridgePort[] => {
    const bridge = bridgeIndex === undefined ? undefined : byIndex.get(bridgeIndex);
    return bridge === undefined || !names.has(bridge) ? [] : [{ kind: 'port', device, bridge, hairpin }];
  });
}

/** Link-local addresses are the kernel's own. */
function parseAddresses(link: LinkJson): readonly Address[] {
  return (link.addr_info ?? []).flatMap((entry): readonly Address[] => {
    if (entry.local === undefined || entry.scope === 'link') return [];
    const address = parseInterfaceAddress(`${entry.local}/${entry.prefixlen}`);
    return [{ kind: 'address', device: link.ifname, address }];
  });
}
