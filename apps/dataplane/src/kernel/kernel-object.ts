import type { Cidr, InterfaceAddress, IpAddress, IpFamily, MacAddress } from '@overlay/allocation';

/** Kinds of kernel objects, in the order in which they are created. */
export const KERNEL_OBJECT_KINDS = [
  'link',
  'sysctl',
  'offload',
  'port',
  'address',
  'fdb',
  'neighbour',
  'nexthop',
  'route',
  'rule',
  'nftables',
  'admission',
  'docker-accept',
] as const;

/** One member of {@link KERNEL_OBJECT_KINDS}. */
export type KernelObjectKind = (typeof KERNEL_OBJECT_KINDS)[number];

/**
 * What keeps a device's packets from being routed as they shall be, and can be undone in place: it is a port of another one,
 * answers no ARP, or sets the outer header of its packets or their destination otherwise.
 */
export type LinkFault = 'port' | 'no-arp' | 'ttl' | 'tos' | 'df' | 'flow-label' | 'default-remote';

/**
 * The VXLAN device. Its identity is its name, and where that was changed its alias; VNI, port and the family of `local`
 * cannot change in place.
 */
export interface VxlanLink {
  readonly kind: 'link';
  readonly type: 'vxlan';
  readonly name: string;
  readonly mac: MacAddress;
  readonly mtuBytes: number;
  readonly up: boolean;
  readonly vni: number;
  /** UDP destination port. */
  readonly port: number;
  /** Underlay address that the tunnel's packets are sent from; undefined: whichever the kernel takes, never ours. */
  readonly local: IpAddress | undefined;
  readonly learning: boolean;
  /** Says that it is ours under any name: `overlay:vtep`. */
  readonly alias: string;
  /** The name that somebody gave it, while it should have {@link name}; absent where nobody did. */
  readonly renamedTo?: string;
  /** True if it has no IPv6 link-local address: the kernel cannot ask for neighbours of what it forwards. */
  readonly mute?: true;
  /** What somebody did to it; absent where nobody did. */
  readonly faults?: readonly LinkFault[];
  /** What it was made with that ours never have, as `proxy`; the kernel takes it at creation only. */
  readonly misbuilt?: string;
}

/** A CNI bridge. Its identity is its name, and where that was changed its alias. */
export interface BridgeLink {
  readonly kind: 'link';
  readonly type: 'bridge';
  readonly name: string;
  readonly mac: MacAddress;
  readonly mtuBytes: number;
  readonly up: boolean;
  /** Says whose bridge it is, for example `overlay:<network id>`. */
  readonly alias: string;
  /** The name that somebody gave it, while it should have {@link name}; absent where nobody did. */
  readonly renamedTo?: string;
  /** True if it has no IPv6 link-local address: the kernel cannot ask for neighbours of what it forwards. */
  readonly mute?: true;
  /** What somebody did to it; absent where nobody did. */
  readonly faults?: readonly LinkFault[];
}

/** A device under a name that we need or own, of a type that is none of ours. */
export interface ForeignLink {
  readonly kind: 'link';
  readonly type: 'foreign';
  readonly name: string;
}

/** A network device. */
export type Link = VxlanLink | BridgeLink | ForeignLink;

/** An address on one of our devices. */
export interface Address {
  readonly kind: 'address';
  readonly device: string;
  readonly address: InterfaceAddress;
  /** True if somebody took away the route into its prefix that the kernel made with it. */
  readonly cutOff?: true;
}

/** A permanent neighbour entry: the peer's VTEP address is at its VTEP MAC. */
export interface Neighbour {
  readonly kind: 'neighbour';
  readonly device: string;
  readonly address: IpAddress;
  readonly mac: MacAddress;
}

/** A permanent forwarding entry of the VXLAN device: the peer's VTEP MAC is behind its underlay address. */
export interface FdbEntry {
  readonly kind: 'fdb';
  readonly device: string;
  readonly mac: MacAddress;
  readonly underlay: IpAddress;
  /** A port, VNI or device of its own, as `bridge` spells them: `port 4789`. Ours have none. */
  readonly detour?: string;
}

/** A nexthop object towards a peer's VTEP address. Its identity is device and gateway, not the id. */
export interface Nexthop {
  readonly kind: 'nexthop';
  readonly device: string;
  readonly gateway: IpAddress;
  /** 1 to 2^32-1. */
  readonly id: number;
}

/** A container's end of a veth pair on a CNI bridge. The container's runtime made it; only its bridge is our concern. */
export interface BridgePort {
  readonly kind: 'port';
  readonly device: string;
  readonly bridge: string;
  /** Whether the port sends frames back to where they came from; the runtime's choice. */
  readonly hairpin: boolean;
}

/** Whether the kernel leaves checksums of packets for the device to be filled in later. Goes with its device. */
export interface ChecksumOffload {
  readonly kind: 'offload';
  readonly device: string;
  readonly on: boolean;
}

/** A route with protocol 142: through a nexthop object, through a gateway, or unreachable. */
export interface Route {
  readonly kind: 'route';
  /** 254 is the main table. */
  readonly table: number;
  readonly prefix: Cidr;
  readonly target:
    | { readonly type: 'nexthop'; readonly id: number }
    /** For kernels without nexthop objects. */
    | { readonly type: 'gateway'; readonly gateway: IpAddress; readonly device: string }
    | { readonly type: 'unreachable'; readonly metric: number }
    /** What the kernel holds under our protocol but we never write, in words of `ip route` that tell it from ours. */
    | { readonly type: 'other'; readonly routeType?: string; readonly text: string };
}

/** A routing policy rule: packets from `source` look into `table` first. */
export interface Rule {
  readonly kind: 'rule';
  readonly source: Cidr;
  readonly table: number;
  readonly priority: number;
}

/** A peer's underlay address in the set of those who may send into the tunnel. Goes with its table. */
export interface Admission {
  readonly kind: 'admission';
  readonly address: IpAddress;
}

/** A whole nftables table, spelt as `nft -s list table` prints it; what differs between versions is not compared. */
export interface NftTable {
  readonly kind: 'nftables';
  readonly family: 'inet';
  readonly name: string;
  readonly content: string;
}

/** Which of the two rule sets of iptables. */
export type IptablesBackend = 'nft' | 'legacy';

/** A chain `DOCKER-USER`, which Docker goes through before its own rules. */
export interface DockerChain {
  readonly backend: IptablesBackend;
  readonly family: IpFamily;
}

/** A rule in Docker's chain that lets overlay packets pass. */
export interface DockerAccept extends DockerChain {
  readonly kind: 'docker-accept';
  /** What follows the chain's name, spelt as `iptables-save` prints it. */
  readonly rule: string;
}

/**
 * A key below /proc/sys, its parts separated by `/`, and its value. Removing one of a device gives it the default of
 * devices again; others are never removed.
 */
export interface Sysctl {
  readonly kind: 'sysctl';
  readonly key: string;
  readonly value: string;
}

/** Anything that the dataplane keeps in the kernel. */
export type KernelObject =
  | Link
  | Address
  | Neighbour
  | FdbEntry
  | Nexthop
  | Route
  | Rule
  | NftTable
  | Admission
  | Sysctl
  | BridgePort
  | ChecksumOffload
  | DockerAccept;

/** What identifies an object: two objects with one key are the same object with different attributes. */
export function keyOf(object: KernelObject): string {
  switch (object.kind) {
    case 'link':
      return `link ${object.name}`;
    case 'sysctl':
      return `sysctl ${object.key}`;
    case 'address':
      return `address ${object.device} ${object.address}`;
    case 'fdb':
      return `fdb ${object.device} ${object.mac}`;
    case 'neighbour':
      return `neighbour ${object.device} ${object.address}`;
    case 'nexthop':
      return `nexthop ${object.device} ${object.gateway}`;
    case 'route':
      return object.target.type === 'unreachable'
        ? `route ${object.table} unreachable ${object.prefix}`
        : `route ${object.table} ${object.prefix}`;
    case 'rule':
      return `rule ${object.source}`;
    case 'nftables':
      return `nftables ${object.family} ${object.name}`;
    case 'admission':
      return `admission ${object.address}`;
    case 'port':
      return `port ${object.device}`;
    case 'offload':
      return `offload ${object.device}`;
    case 'docker-accept':
      return `docker-accept ${object.backend} ${object.family} ${object.rule}`;
  }
}

/** The attributes that are compared between what is wanted and what is there. */
export function attributesOf(object: KernelObject): string {
  switch (object.kind) {
    case 'link':
      return linkValue(object);
    case 'sysctl':
      return object.value;
    case 'address':
      return object.cutOff ? 'cut off' : '';
    case 'admission':
    case 'docker-accept':
      return '';
    case 'port':
      return `${object.bridge} ${object.hairpin}`;
    case 'offload':
      return String(object.on);
    case 'fdb':
      return object.detour === undefined ? object.underlay : `${object.underlay} ${object.detour}`;
    case 'neighbour':
      return object.mac;
    case 'nexthop':
      return String(object.id);
    case 'route':
      return routeValue(object.target);
    case 'rule':
      return `${object.table} ${object.priority}`;
    case 'nftables':
      return normalTable(object.content);
  }
}

/**
 * White space is the tool's, and so are the order of the elements of a set and the spelling of a lookup that finds no
 * route: `fib saddr . iif oif missing` is `fib saddr . iif check missing` from nft 1.1.4 on.
 */
function normalTable(content: string): string {
  const words = content
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/(?<=\bfib [a-z. ]+) oif (?=(?:missing|exists)\b)/g, ' check ');
  return words.replaceAll(/(?<=\{ )[^{};]*(?= \})/g, (list) => list.split(', ').sort().join(', '));
}

function linkValue(link: Link): string {
  const wrong = link.type === 'foreign' ? '' : faultsOf(link);
  switch (link.type) {
    case 'vxlan':
      return `vxlan ${link.misbuilt ?? ''} ${link.mac} ${link.mtuBytes} ${link.up} ${link.vni} ${link.port} ${link.local} ${link.learning} ${link.alias}${wrong}`;
    case 'bridge':
      return `bridge ${link.mac} ${link.mtuBytes} ${link.up} ${link.alias}${wrong}`;
    case 'foreign':
      return 'foreign';
  }
}

function faultsOf({ mute, faults = [], renamedTo }: VxlanLink | BridgeLink): string {
  return `${mute ? ' mute' : ''} ${faults.join(' ')} ${renamedTo ?? ''}`;
}

function routeValue(target: Route['target']): string {
  switch (target.type) {
    case 'nexthop':
      return `nhid ${target.id}`;
    case 'gateway':
      return `via ${target.gateway} dev ${target.device}`;
    case 'unreachable':
      return `unreachable ${target.metric}`;
    case 'other':
      return `${target.routeType ?? ''} ${target.text}`;
  }
}

/** The kind that a key of {@link keyOf} begins with. */
export function kindOfKey(key: string): string {
  return key.slice(0, key.indexOf(' '));
}
