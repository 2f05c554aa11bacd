import { addressToInteger, type IpAddress, OrderedMap } from '@overlay/allocation';
import type {
  AddressSpaceDefinition,
  FormerNodeRecord,
  LogRecord,
  LogRecordRef,
  Mutation,
  NetworkId,
  NetworkName,
  NetworkRecord,
  NodeId,
  NodeRecord,
} from '@overlay/model';
import { BlockCounts } from './block-counts.js';
import { givesBlocks } from './network-definitions.js';

/** The records of the overlay log in memory, with the indexes that planning and reading need. */
export class ClusterRecords {
  readonly #networks = new Map<NetworkId, NetworkRecord>();
  readonly #networkIds = new Map<NetworkName, NetworkId>();
  readonly #deletedNetworks = new Map<NetworkName, NetworkRecord>();
  readonly #nodes = new Map<NodeId, NodeRecord>();
  readonly #formerNodes = new Map<NodeId, FormerNodeRecord>();
  readonly #nodeIds = new Map<IpAddress, NodeId>();
  readonly #nodesByVtep = new OrderedMap<number, NodeRecord>();
  readonly #users = new Map<NetworkId, number>();
  readonly #blocks = new BlockCounts();
  #addressSpace: AddressSpaceDefinition | undefined;
  #definitionChanges = 0;

  /** Grows with every change of a network or of the address space, which most commits leave alone. */
  get definitionChanges(): number {
    return this.#definitionChanges;
  }

  /** The shared address space; absent before the first start wrote it. */
  get addressSpace(): AddressSpaceDefinition | undefined {
    return this.#addressSpace;
  }

  /** Networks that are there, those being deleted included. */
  get networks(): ReadonlyMap<NetworkId, NetworkRecord> {
    return this.#networks;
  }

  /** Networks that were deleted although a configuration may name them, by name. */
  get deletedNetworks(): ReadonlyMap<NetworkName, NetworkRecord> {
    return this.#deletedNetworks;
  }

  get nodes(): ReadonlyMap<NodeId, NodeRecord> {
    return this.#nodes;
  }

  /**
   * The nodes from the VTEP address with this number on, in the order of their VTEP addresses, which is the order in
   * which they first registered. No record may change meanwhile.
   */
  *nodesFrom(vtep = 0): Generator<NodeRecord> {
    for (const { value } of this.#nodesByVtep.entriesFrom(vtep)) yield value;
  }

  /** Deleted nodes whose blocks and VTEP are still kept for them. */
  get formerNodes(): ReadonlyMap<NodeId, FormerNodeRecord> {
    return this.#formerNodes;
  }

  /** How many nodes have an entry in the network. */
  usersOf(id: NetworkId): number {
    return this.#users.get(id) ?? 0;
  }

  /** True if the network cannot give a block of each of its families to a further node. */
  isExhausted(network: NetworkRecord): boolean {
    return this.#blocks.isFull(network);
  }

  /** True if a further network becomes the node's once it registers. O(networks). */
  hasMoreFor(node: NodeRecord): boolean {
    const held = new Set(node.networks.map(({ networkId }) => networkId));
    for (const network of this.#networks.values()) {
      if (!held.has(network.id) && givesBlocks(network) && !this.isExhausted(network)) return true;
    }
    return false;
  }

  networkByName(name: NetworkName): NetworkRecord | undefined {
    const id = this.#networkIds.get(name);
    return id === undefined ? undefined : this.#networks.get(id);
  }

  nodeByIp(ip: IpAddress): NodeRecord | undefined {
    const id = this.#nodeIds.get(ip);
    return id === undefined ? undefined : this.#nodes.get(id);
  }

  /** Applies committed (or tentatively planned) changes in order. */
  apply(mutations: readonly Mutation[]): void {
    for (const mutation of mutations) {
      if (mutation.op === 'delete') this.#delete(mutation.ref);
      else this.put(mutation.record);
    }
  }

  /** Creates or replaces one record. Claims repeat what node records say and are not kept. */
  put(record: LogRecord): void {
    switch (record.kind) {
      case 'address-space':
        this.#addressSpace = record.addressSpace;
        this.#definitionChanges += 1;
        return;
      case 'network':
        this.#putNetwork(record.network);
        return;
      case 'node':
        this.#putNode(record.node);
        return;
      case 'former-node':
        this.#blocks.replace(this.#formerNodes.get(record.node.id), record.node);
        this.#formerNodes.set(record.node.id, record.node);
        return;
      case 'claim':
        return;
    }
  }

  #putNetwork(network: NetworkRecord): void {
    this.#forgetNetwork(network.id);
    const { name } = network.definition;
    if (network.phase === 'deleted') {
      this.#deletedNetworks.set(name, network);
      return;
    }
    this.#networks.set(network.id, network);
    this.#networkIds.set(name, network.id);
  }

  #forgetNetwork(id: NetworkId): void {
    this.#definitionChanges += 1;
    const network = this.#networks.get(id);
    this.#networks.delete(id);
    if (network !== undefined && this.#networkIds.get(network.definition.name) === id) {
      this.#networkIds.delete(network.definition.name);
    }
    for (const [name, deleted] of this.#deletedNetworks)
      if (deleted.id === id) this.#deletedNetworks.delete(name);
  }

  #putNode(node: NodeRecord): void {
    const before = this.#nodes.get(node.id);
    if (before !== undefined && before.ip !== node.ip && this.#nodeIds.get(before.ip) === node.id) {
      this.#nodeIds.delete(before.ip);
    }
    if (before !== undefined && before.vtepIp !== node.vtepIp) this.#forgetVtep(before);
    this.#countUsers(before, -1);
    this.#countUsers(node, 1);
    this.#blocks.replace(before, node);
    this.#nodes.set(node.id, node);
    this.#nodesByVtep.set(vtepNumber(node), node);
    this.#nodeIds.set(node.ip, node.id);
  }

  /** Leaves the place to the node that has the address by now, if another does. */
  #forgetVtep(node: NodeRecord): void {
    const vtep = vtepNumber(node);
    if (this.#nodesByVtep.get(vtep)?.id === node.id) this.#nodesByVtep.delete(vtep);
  }

  #countUsers(node: NodeRecord | undefined, step: 1 | -1): void {
    for (const { networkId } of node?.networks ?? []) {
      const users = this.usersOf(networkId) + step;
      if (users === 0) this.#users.delete(networkId);
      else this.#users.set(networkId, users);
    }
  }

  #delete(ref: LogRecordRef): void {
    switch (ref.kind) {
      case 'address-space':
        this.#addressSpace = undefined;
        this.#definitionChanges += 1;
        return;
      case 'network':
        this.#forgetNetwork(ref.id);
        return;
      case 'node': {
        const node = this.#nodes.get(ref.id);
        this.#countUsers(node, -1);
        this.#blocks.replace(node, undefined);
        this.#nodes.delete(ref.id);
        if (node !== undefined) this.#forgetVtep(node);
        if (node !== undefined && this.#nodeIds.get(node.ip) === ref.id) this.#nodeIds.delete(node.ip);
        return;
      }
      case 'former-node':
        this.#blocks.replace(this.#formerNodes.get(ref.id), undefined);
        this.#formerNodes.delete(ref.id);
        return;
      case 'claim':
        return;
    }
  }
}

/** The number of a node's VTEP address, which puts nodes in order. */
export function vtepNumber({ vtepIp }: NodeRecord): number {
  return Number(addressToInteger(vtepIp));
}
