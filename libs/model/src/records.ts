import type { Cidr, IpAddress, MacAddress } from '@overlay/allocation';

declare const networkNameBrand: unique symbol;
declare const networkIdBrand: unique symbol;
declare const nodeIdBrand: unique symbol;

/** A network's name: 1 to 13 characters of `[A-Za-z0-9_.-]`, the first a letter or digit, not reserved. */
export type NetworkName = string & { readonly [networkNameBrand]: true };

/** A network's immutable id. Delete and create under one name are two networks with two ids. */
export type NetworkId = string & { readonly [networkIdBrand]: true };

/** A node's stable id, created once on the node: 1 to 64 characters of `[A-Za-z0-9_.-]`, the first alphanumeric. */
export type NodeId = string & { readonly [nodeIdBrand]: true };

/** An address space and the length of the blocks it is cut into. */
export interface SubnetPlan {
  readonly subnet: Cidr;
  /** Length of each agent's block in bits, strictly longer than the subnet's. */
  readonly blockLength: number;
}

/** What an operator defines of a network. At least one of `ipv4` and `ipv6` is there. */
export interface NetworkDefinition {
  readonly name: NetworkName;
  readonly ipv4?: SubnetPlan;
  readonly ipv6?: SubnetPlan;
  readonly enabled: boolean;
  readonly isolated: boolean;
}

/** The address space that all networks share. */
export interface AddressSpaceDefinition {
  readonly vtepSubnet: Cidr;
  readonly vtepSubnet6?: Cidr;
  /** A unicast OUI with its last three bytes zero. */
  readonly vtepMacOui: MacAddress;
  /** MTU of the VTEPs in bytes; absent if each agent uses its own overlay MTU. */
  readonly vtepMtuBytes?: number;
}

/** A virtual network as the overlay log keeps it. */
export interface NetworkRecord {
  readonly id: NetworkId;
  readonly definition: NetworkDefinition;
  /** `runtime`: created, changed or adopted at runtime, so that the log's word wins over the configuration. */
  readonly origin: 'configuration' | 'runtime';
  /**
   * `deleting`: agents are removing it. `deleted`: kept so that a configuration which still names the network
   * does not bring it back; it has no pools, no agents and shows nowhere.
   */
  readonly phase: 'active' | 'deleting' | 'deleted';
  /** On one of origin `runtime`: true if a leader's configuration ever named it, so that another's still may. */
  readonly configured?: boolean;
}

/** What a node has in one network. */
export interface NodeNetwork {
  readonly networkId: NetworkId;
  /** Prefixes routed to the node, the IPv4 block first, then the IPv6 block; empty on a gateway. */
  readonly prefixes: readonly Cidr[];
  /** Whether the CNI half was ever allocated; switching the bridge off later keeps it. */
  readonly mesosBridge: boolean;
  /** Whether the Docker half was ever allocated; switching the bridge off later keeps it. */
  readonly dockerBridge: boolean;
}

/** A node as the overlay log keeps it. */
export interface NodeRecord {
  readonly id: NodeId;
  /** Underlay address; may change, the node keeps everything else. */
  readonly ip: IpAddress;
  /**
   * True while the node is only guessed to be at `ip`: it was away when another came from its address, and was given
   * that one's. Its own registration ends it.
   */
  readonly guessedIp?: boolean;
  readonly vtepIp: IpAddress;
  readonly vtepIp6?: IpAddress;
  readonly vtepMac: MacAddress;
  readonly networks: readonly NodeNetwork[];
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * A deleted node whose blocks and VTEP are kept for it until its quarantine is over. Its record keeps the claims
 * on them; the claim on its underlay address is gone.
 */
export type FormerNodeRecord = NodeRecord;

/** A value that only one node may have at a time. */
export interface ClaimRecord {
  readonly resource: 'block' | 'vtep' | 'node-ip';
  /** The block's prefix, the VTEP address or the node's underlay address. */
  readonly value: string;
  readonly nodeId: NodeId;
}

/** One entry of the overlay log. */
export type LogRecord =
  | { readonly kind: 'address-space'; readonly addressSpace: AddressSpaceDefinition }
  | { readonly kind: 'network'; readonly network: NetworkRecord }
  | { readonly kind: 'node'; readonly node: NodeRecord }
  | { readonly kind: 'former-node'; readonly node: FormerNodeRecord }
  | { readonly kind: 'claim'; readonly claim: ClaimRecord };

/** Which entry of the overlay log. */
export type LogRecordRef =
  | { readonly kind: 'address-space' }
  | { readonly kind: 'network'; readonly id: NetworkId }
  | { readonly kind: 'node'; readonly id: NodeId }
  | { readonly kind: 'former-node'; readonly id: NodeId }
  | { readonly kind: 'claim'; readonly resource: ClaimRecord['resource']; readonly value: string };

/** One change of the overlay log. A batch of them is committed wholly or not at all. */
export type Mutation =
  /** Creates or replaces. */
  | { readonly op: 'put'; readonly record: LogRecord }
  /** Creates; the whole batch fails with `already_exists` if the entry is there. */
  | { readonly op: 'create'; readonly record: LogRecord }
  /** Removes; removing what is not there is no error. */
  | { readonly op: 'delete'; readonly ref: LogRecordRef };

/** The entry that a record stands under. */
export function refOf(record: LogRecord): LogRecordRef {
  switch (record.kind) {
    case 'address-space':
      return { kind: 'address-space' };
    case 'network':
      return { kind: 'network', id: record.network.id };
    case 'node':
      return { kind: 'node', id: record.node.id };
    case 'former-node':
      return { kind: 'former-node', id: record.node.id };
    case 'claim':
      return { kind: 'claim', resource: record.claim.resource, value: record.claim.value };
  }
}
