import {
  AddressPool,
  addressAt,
  type Cidr,
  cidrFamily,
  familyOf,
  type IpAddress,
  type IpFamily,
  SubnetPool,
  type ValuePool,
} from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { AddressSpaceDefinition, NetworkId, NetworkRecord, NodeId, NodeRecord } from '@overlay/model';

/** What is free and what is taken: a pool of blocks per network and family, and the VTEP addresses per family. */
export class ClusterPools {
  readonly #blocks = new Map<NetworkId, Partial<Record<IpFamily, SubnetPool>>>();
  readonly #vteps: Partial<Record<IpFamily, AddressPool>> = {};

  /**
   * Adds the VTEP pools, or enlarges them, which happens only when a master starts; what `nodes` hold stays taken.
   */
  setAddressSpace(space: AddressSpaceDefinition, nodes: Iterable<NodeRecord>): void {
    const held = [...nodes];
    this.#setVtepPool(
      4,
      space.vtepSubnet,
      held.map((node) => node.vtepIp),
    );
    const held6 = held.flatMap((node) => (node.vtepIp6 === undefined ? [] : [node.vtepIp6]));
    if (space.vtepSubnet6 !== undefined) this.#setVtepPool(6, space.vtepSubnet6, held6);
  }

  /** Adds the pools of a network; a network that has them keeps them. */
  addNetwork(network: NetworkRecord): void {
    if (this.#blocks.has(network.id)) return;
    const { ipv4, ipv6 } = network.definition;
    this.#blocks.set(network.id, {
      ...(ipv4 === undefined ? {} : { 4: new SubnetPool(ipv4.subnet, ipv4.blockLength) }),
      ...(ipv6 === undefined ? {} : { 6: new SubnetPool(ipv6.subnet, ipv6.blockLength) }),
    });
  }

  /** Forgets a network's pools. Repeatable. */
  removeNetwork(id: NetworkId): void {
    this.#blocks.delete(id);
  }

  /** The VTEP address that the node would get: the one kept for it, else the lowest free; takes nothing. */
  freeVtep(family: IpFamily, nodeId: NodeId): IpAddress | undefined {
    return this.#vteps[family]?.lowestFreeFor(nodeId, 0);
  }

  /**
   * The blocks that the node would get in a network, one per family of it; takes nothing. Undefined if any
   * family has none left, for a network with half of its families is no network.
   */
  freeBlocks(networkId: NetworkId, nodeId: NodeId): readonly Cidr[] | undefined {
    const found = Object.values(this.#blocks.get(networkId) ?? {}).map((pool) =>
      pool.lowestFreeFor(nodeId, 0),
    );
    const blocks = found.filter((block) => block !== undefined);
    return blocks.length === found.length && blocks.length > 0 ? blocks : undefined;
  }

  /**
   * Takes everything that the record holds.
   * @throws OverlayError `data_loss` if any of it is taken already: two nodes would share it.
   */
  take(node: NodeRecord): void {
    this.takeDifference(undefined, node);
  }

  /** Takes what `after` holds and `before` does not. */
  takeDifference(before: NodeRecord | undefined, after: NodeRecord): void {
    const heldVteps = new Set(before === undefined ? [] : vtepsOf(before));
    for (const [family, address] of vtepsOf(after).map((vtep) => [familyOf(vtep), vtep] as const)) {
      if (heldVteps.has(address) || this.#isEarlierLast(address)) continue;
      this.#require(this.#vteps[family]?.reserve(address, after.id), after, `VTEP address ${address}`);
    }
    const heldBlocks = new Set(before === undefined ? [] : blocksOf(before).map(({ block }) => block));
    for (const { networkId, block } of blocksOf(after)) {
      if (heldBlocks.has(block)) continue;
      const pool = this.#blocks.get(networkId)?.[cidrFamily(block)];
      this.#require(pool?.reserve(block, after.id), after, `block ${block}`);
    }
  }

  /** Frees everything that the record holds. */
  free(node: NodeRecord): void {
    for (const [pool, value] of this.#held(node)) pool.free(value);
  }

  /** Frees what `before` holds and `after` does not. */
  freeDifference(before: NodeRecord, after: NodeRecord): void {
    const kept = new Set([...this.#held(after)].map(([, value]) => value));
    for (const [pool, value] of this.#held(before)) if (!kept.has(value)) pool.free(value);
  }

  /** Takes everything that a former node's record holds and keeps it for that node until {@link release}. */
  quarantine(node: NodeRecord): void {
    this.take(node);
    for (const [pool, value] of this.#held(node)) pool.quarantine(value, node.id, Number.POSITIVE_INFINITY);
  }

  /** Frees what is still kept for a former node; what the node took back meanwhile stays taken. */
  release(node: NodeRecord): void {
    this.releaseDifference(node, undefined);
  }

  /** Frees what is kept for a former node as `before` and not as `after`. */
  releaseDifference(before: NodeRecord, after: NodeRecord | undefined): void {
    const kept = new Set(after === undefined ? [] : [...this.#held(after)].map(([, value]) => value));
    for (const [pool, value] of this.#held(before)) {
      if (kept.has(value) || pool.quarantineOf(value)?.owner !== before.id) continue;
      pool.reserve(value, before.id);
      pool.free(value);
    }
  }

  *#held(node: NodeRecord): Generator<readonly [ValuePool<string>, string]> {
    for (const vtep of vtepsOf(node)) {
      const pool = this.#vteps[familyOf(vtep)];
      if (pool !== undefined && !this.#isEarlierLast(vtep)) yield [pool as ValuePool<string>, vtep];
    }
    for (const { networkId, block } of blocksOf(node)) {
      const pool = this.#blocks.get(networkId)?.[cidrFamily(block)];
      if (pool !== undefined) yield [pool as ValuePool<string>, block];
    }
  }

  #setVtepPool(family: IpFamily, subnet: Cidr, held: readonly IpAddress[]): void {
    if (this.#vteps[family]?.prefix === subnet) return;
    const pool = new AddressPool(subnet, [addressAt(subnet, -1n)]);
    for (const address of held) pool.reserve(address);
    this.#vteps[family] = pool;
  }

  /**
   * True for the last address of the IPv6 VTEP subnet, which no node gets: one to which an earlier release gave it keeps
   * it, and no pool needs to know.
   */
  #isEarlierLast(address: IpAddress): boolean {
    const subnet6 = this.#vteps[6]?.prefix;
    return subnet6 !== undefined && address === addressAt(subnet6, -1n);
  }

  #require(taken: boolean | undefined, node: NodeRecord, what: string): void {
    if (taken === true) return;
    throw new OverlayError(
      'data_loss',
      `${what} of node ${node.id} (${node.ip}) is held by another node too`,
    );
  }
}

function vtepsOf(node: NodeRecord): readonly IpAddress[] {
  return node.vtepIp6 === undefined ? [node.vtepIp] : [node.vtepIp, node.vtepIp6];
}

function blocksOf(node: NodeRecord): readonly { readonly networkId: NetworkId; readonly block: Cidr }[] {
  return node.networks.flatMap(({ networkId, prefixes }) => prefixes.map((block) => ({ networkId, block })));
}
