import type { Cidr, InterfaceAddress, IpAddress } from '@overlay/allocation';
import type { BridgeKind, NetworkId, NetworkName } from '@overlay/model';
import type { FreedAddress } from './freed-addresses.js';
import type { Owner } from './owner.js';
import type { ReservationKey, ReservationName, ReservationRecord } from './reservation.js';

/** One half of one network on this host, as the agent configures it. At least one prefix is there. */
export interface PoolDefinition {
  readonly networkId: NetworkId;
  readonly network: NetworkName;
  readonly half: BridgeKind;
  /** True if the pool is the whole block, which CNI and Docker share. */
  readonly shared?: true;
  readonly subnet?: Cidr;
  readonly subnet6?: Cidr;
}

/** An address with what a container needs to use it. */
export interface HeldAddress {
  /** The address with the length of its half. */
  readonly address: InterfaceAddress;
  /** The bridge's address in the same half. */
  readonly gateway: IpAddress;
}

/** What one owner holds in one half of one network. */
export interface AllocationRecord {
  readonly networkId: NetworkId;
  readonly network: NetworkName;
  readonly half: BridgeKind;
  readonly owner: Owner;
  /**
   * Who took the addresses: `docker`, through its IPAM plugin protocol, which alone gives them back; `framework`, over
   * gRPC, of which CNI's GC knows nothing. Absent for a runtime, through CNI.
   */
  readonly ownerKind?: 'docker' | 'framework';
  /** At most one address per family, IPv4 first. */
  readonly addresses: readonly HeldAddress[];
  /** The reservation that the addresses came from. */
  readonly reservation?: ReservationName;
  /** Path of the container's network namespace; absent if the runtime did not tell. */
  readonly networkNamespace?: string;
  /** True if this process saw something at that path when the container was added. */
  readonly namespaceSeen?: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Unix milliseconds. */
  readonly allocatedAtMs: number;
  /** The kernel's boot id at that time (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
}

/** Names one half of one network. */
export interface HalfRef {
  readonly network: string;
  readonly half: BridgeKind;
}

declare const allocationKeyBrand: unique symbol;

/** Identifies an allocation: network, half and owner. Its parts never contain the separator. */
export type AllocationKey = string & { readonly [allocationKeyBrand]: true };

/** The key of what an owner holds in a half. */
export function allocationKey(ref: HalfRef, owner: Owner): AllocationKey {
  return `${ref.network}/${ref.half}/${owner.containerId}/${owner.interface}` as AllocationKey;
}

/** The key of a record. */
export function keyOf(record: AllocationRecord): AllocationKey {
  return allocationKey(record, record.owner);
}

/** A change of what is persisted. */
export type IpamMutation =
  | { readonly kind: 'put_allocation'; readonly record: AllocationRecord }
  | { readonly kind: 'delete_allocation'; readonly key: AllocationKey }
  | { readonly kind: 'put_reservation'; readonly record: ReservationRecord }
  | { readonly kind: 'delete_reservation'; readonly key: ReservationKey }
  | { readonly kind: 'put_freed'; readonly freed: FreedAddress }
  | { readonly kind: 'delete_freed'; readonly address: IpAddress }
  | { readonly kind: 'replace_pools'; readonly pools: readonly PoolDefinition[] };

/** What a planner decided: the changes to persist, and the answer once they are. */
export interface Plan<T> {
  readonly mutations: readonly IpamMutation[];
  readonly answer: T;
}
