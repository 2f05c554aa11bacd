import type { IpAddress } from '@overlay/allocation';
import type {
  AddressSpaceDefinition,
  LogRecord,
  LogRecordRef,
  Mutation,
  NetworkId,
  NetworkName,
  NetworkRecord,
  NodeId,
  NodeRecord,
} from '@overlay/model';

/** The records of the overlay log in memory, with the indexes that planning and reading need. */
export class ClusterRecords {
  readonly #networks = new Map<NetworkId, NetworkRecord>();
  readonly #networkIds = new Map<NetworkName, NetworkId>();
  readonly #nodes = new Map<NodeId, NodeRecord>();
  readonly #nodeIds = new Map<IpAddress, NodeId>();
  #addressSpace: AddressSpaceDefinition | undefined;

  /** The shared address space; absent before the first start wrote it. */
  get addressSpace(): AddressSpaceDefinition | undefined {
    return this.#addressSpace;
  }

  get networks(): ReadonlyMap<NetworkId, NetworkRecord> {
    return this.#networks;
  }

  get nodes(): ReadonlyMap<NodeId, NodeRecord> {
    return this.#nodes;
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
        return;
      case 'network':
        this.#networks.set(record.network.id, record.network);
        this.#networkIds.set(record.network.definition.name, record.network.id);
        return;
      case 'node':
        this.#putNode(record.node);
        return;
      case 'claim':
        return;
    }
  }

  #putNode(node: NodeRecord): void {
    const before = this.#nodes.get(node.id);
    if (before !== undefined && before.ip !== node.ip && this.#nodeIds.get(before.ip) === node.id) {
      this.#nodeIds.delete(before.ip);
    }
    this.#nodes.set(node.id, node);
    this.#nodeIds.set(node.ip, node.id);
  }

  #delete(ref: LogRecordRef): void {
    switch (ref.kind) {
      case 'address-space':
        this.#addressSpace = undefined;
        return;
      case 'network': {
        const network = this.#networks.get(ref.id);
        this.#networks.delete(ref.id);
        if (network !== undefined && this.#networkIds.get(network.definition.name) === ref.id) {
          this.#networkIds.delete(network.definition.name);
        }
        return;
      }
      case 'node': {
        const node = this.#nodes.get(ref.id);
        this.#nodes.delete(ref.id);
        if (node !== undefined && this.#nodeIds.get(node.ip) === ref.id) this.#nodeIds.delete(node.ip);
        return;
      }
      case 'claim':
        return;
    }
  }
}
