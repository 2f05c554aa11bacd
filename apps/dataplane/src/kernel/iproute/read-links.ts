import { type IpAddress, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import type { UnderlayLink } from '../../desired/mtu-fit.js';
import type { Address, Link } from '../kernel-object.js';
import type { ReadScope } from '../kernel-tables.js';
import { ALIAS_PREFIX, CNI_BRIDGE_PREFIX } from '../ownership.js';

/** A device as `ip -json -details address show` prints it, as far as it is read. */
export interface LinkJson {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address?: string;
  readonly ifalias?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: {
      readonly id?: number;
      readonly port?: number;
      readonly local?: string;
      readonly local6?: string;
      readonly learning?: boolean;
    };
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
    mtuBytes: link.mtu,
    up: link.flags.includes('UP'),
  };
  const { info_kind: type, info_data: data = {} } = link.linkinfo ?? {};
  const local = data.local ?? data.local6;
  const alias = link.ifalias ?? '';
  if (link.ifname === scope.vtep) {
    if (type !== 'vxlan' || link.address === undefined || local === undefined)
      return { kind: 'link', type: 'foreign', name: link.ifname };
    return {
      ...common,
      type: 'vxlan',
      mac: parseMacAddress(link.address),
      vni: data.id ?? 0,
      port: data.port ?? 0,
      local: parseIpAddress(local),
      learning: data.learning ?? true,
    };
  }
  const wanted = scope.devices.includes(link.ifname);
  const ours = link.ifname.startsWith(CNI_BRIDGE_PREFIX) && alias.startsWith(ALIAS_PREFIX);
  if (type === 'bridge' && (ours || wanted) && link.address !== undefined)
    return { ...common, type: 'bridge', mac: parseMacAddress(link.address), alias };
  return wanted ? { kind: 'link', type: 'foreign', name: link.ifname } : undefined;
}

/** The device that has the address, whoever it belongs to. */
export function findUnderlay(json: readonly LinkJson[], address: IpAddress): UnderlayLink | undefined {
  const link = json.find(({ addr_info: addresses = [] }) =>
    addresses.some(({ local }) => local !== undefined && parseIpAddress(local) === address),
  );
  return link && { device: link.ifname, mtuBytes: link.mtu };
}

/** Link-local addresses are the kernel's own. */
function parseAddresses(link: LinkJson): readonly Address[] {
  return (link.addr_info ?? []).flatMap((entry): readonly Address[] => {
    if (entry.local === undefined || entry.scope === 'link') return [];
    const address = parseInterfaceAddress(`${entry.local}/${entry.prefixlen}`);
    return [{ kind: 'address', device: link.ifname, address }];
  });
}
