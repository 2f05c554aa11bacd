import type { Cidr, IpAddress } from '@overlay/allocation';
import type { UnderlayLink } from '../desired/mtu-fit.js';
import type { DockerChain, KernelObject, KernelObjectKind } from './kernel-object.js';

/** What {@link KernelTables.read} shall look at. */
export interface ReadScope {
  /** Name of the VXLAN device. */
  readonly vtep: string;
  /** Devices that we want to own: reported even when they are not ours. */
  readonly devices: readonly string[];
  /**
   * The names that bridges shall have, by alias: one that somebody renamed is reported under its own name, with
   * everything on it. Without it, it is reported under the name that it has.
   */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Sysctl keys to read. */
  readonly sysctls: readonly string[];
  /** Address whose device is looked up; with links only. */
  readonly underlay?: IpAddress;
  /** Whether checksum offload of the VXLAN device is read. */
  readonly offload?: boolean;
  /**
   * Only these devices are read: the links, their addresses, where they are plugged in and their offload. The device
   * of `underlay` is not looked up then.
   */
  readonly only?: ReadonlySet<string>;
  /** Only these kinds are read; everything when absent. */
  readonly kinds?: ReadonlySet<KernelObjectKind>;
}

/** A veth device whose other end is perhaps a container's. */
export interface VethState {
  readonly device: string;
  /** Number of the device, not used again for others soon. */
  readonly index: number;
  /** Number of the bridge that it is a port of; absent without one. */
  readonly bridgeIndex?: number;
  readonly hairpin: boolean;
  /** True if the other end is in another network namespace. */
  readonly leadsElsewhere: boolean;
}

/** What is plugged where. */
export interface Cabling {
  /** Number of each bridge, by name. */
  readonly bridges: ReadonlyMap<string, number>;
  readonly veths: readonly VethState[];
}

/** A route of another program in a table where packets of the overlay are looked up. */
export interface ForeignRoute {
  readonly table: number;
  readonly prefix: Cidr;
  /** The kernel takes the lowest; 0 is the default of IPv4, 1024 that of IPv6. */
  readonly metric: number;
  /** Whether one of ours, alike in prefix, table and metric, is taken first. */
  readonly behindOurs: boolean;
  /** As `ip route` spells it. */
  readonly text: string;
}

/** A program that does not answer, and that only a part of what is read depends on. */
export interface SilentHelper {
  /** What could not be read: `link` stands for the driver of the underlay device. */
  readonly kind: 'link' | 'offload' | 'docker-accept';
  readonly error: string;
}

/** What stands in the kernel and is ours. */
export interface KernelSnapshot {
  /** Ours by the rules of `ownership.ts`, in any order; may name one nexthop key more than once. */
  readonly objects: readonly KernelObject[];
  /** Nexthop ids that other programs hold; empty if nexthops were not read. */
  readonly foreignNexthopIds: ReadonlySet<number>;
  /** False if the kernel has no nexthop objects; true if they were not read. */
  readonly nexthopObjects: boolean;
  /** False if the kernel has no IPv6 at all (`ipv6.disable=1`); true if rules were not read. */
  readonly ipv6: boolean;
  /** Where Docker's chain is; empty if `docker-accept` was not read. */
  readonly dockerChains: readonly DockerChain[];
  /** Routes of other programs; absent if `route` was not read. */
  readonly foreignRoutes?: readonly ForeignRoute[];
  /** What is missing here because nobody answered; absent if nothing is. */
  readonly silent?: readonly SilentHelper[];
  /** Veth devices and bridges; absent if `port` was not read. */
  readonly cabling?: Cabling;
  /** The device that has the address of `ReadScope.underlay`; absent if none has or links were not read. */
  readonly underlay?: UnderlayLink;
}

/** One write. `replace` changes the attributes of an object that is there under the same key. */
export type KernelChange =
  | { readonly op: 'add'; readonly object: KernelObject }
  | { readonly op: 'replace'; readonly object: KernelObject; readonly previous: KernelObject }
  | { readonly op: 'remove'; readonly object: KernelObject };

/** A write that the kernel refused. */
export interface ChangeFailure {
  readonly change: KernelChange;
  /** The kernel's or the tool's own words. */
  readonly error: string;
}

/** Limits of one call. */
export interface CallOptions {
  /** How long one command may take. */
  readonly timeoutMs: number;
}

/**
 * The kernel's tables of one network namespace. `apply` works in the given order; a change that fails does not
 * stop those after it. Adding what exists and removing what is absent are failures: callers write differences.
 */
export interface KernelTables {
  /** @throws OverlayError `unavailable` if a table cannot be read. */
  read(scope: ReadScope, options: CallOptions): Promise<KernelSnapshot>;
  /** Returns the changes that failed; never throws for the kernel's refusals. */
  apply(changes: readonly KernelChange[], options: CallOptions): Promise<readonly ChangeFailure[]>;
}
