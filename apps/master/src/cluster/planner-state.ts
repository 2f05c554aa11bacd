import type { FormerNodeRecord, LogRecord, LogRecordRef, Mutation, NodeId } from '@overlay/model';
import type { CommitLimits } from '@overlay/overlay-log';
import { ClusterPools } from './cluster-pools.js';
import { ClusterRecords } from './cluster-records.js';

/**
 * What the next command is planned against: the records as they will be once everything planned so far is
 * committed, and the pools that follow from them. Thrown away and loaded again when a commit fails.
 */
export class PlannerState {
  readonly records = new ClusterRecords();
  readonly pools = new ClusterPools();
  /** How large one commit may be. */
  readonly limits: CommitLimits;
  readonly #quarantineMs: number;
  /** When each quarantine is over; in the order in which they end, for all last equally long. */
  readonly #quarantineEnds = new Map<NodeId, number>();

  /**
   * @param quarantineMs how long what a deleted node had is kept for it.
   * @param limits of the log that the plans are for.
   */
  constructor(quarantineMs: number, limits: CommitLimits) {
    this.#quarantineMs = quarantineMs;
    this.limits = limits;
  }

  /**
   * Fills the pools from the records that were loaded. Quarantines begin again.
   * @param nowMs monotonic time.
   * @throws OverlayError `data_loss` naming a value with two owners.
   */
  finishLoading(nowMs: number): void {
    for (const network of this.records.networks.values()) this.pools.addNetwork(network);
    if (this.records.addressSpace !== undefined) this.pools.setAddressSpace(this.records.addressSpace, []);
    for (const node of this.records.nodes.values()) this.pools.take(node);
    for (const node of this.records.formerNodes.values()) this.#quarantine(node, nowMs);
  }

  /** Former nodes whose quarantine is over. No record may change meanwhile. */
  *dueFormerNodes(nowMs: number): Generator<FormerNodeRecord> {
    for (const [id, endsMs] of this.#quarantineEnds) {
      if (endsMs > nowMs) return;
      const node = this.records.formerNodes.get(id);
      if (node !== undefined) yield node;
    }
  }

  /** Applies planned changes. @param nowMs monotonic time, from which quarantines count. */
  apply(mutations: readonly Mutation[], nowMs: number): void {
    for (const mutation of mutations) {
      if (mutation.op === 'delete') this.#beforeDelete(mutation.ref);
      else this.#beforePut(mutation.record, nowMs);
      this.records.apply([mutation]);
      if (mutation.op !== 'delete') this.#afterPut(mutation.record);
    }
  }

  #beforeDelete(ref: LogRecordRef): void {
    if (ref.kind === 'network') this.pools.removeNetwork(ref.id);
    if (ref.kind === 'former-node') this.#endQuarantine(ref.id);
    const node = ref.kind === 'node' ? this.records.nodes.get(ref.id) : undefined;
    // A record that another node took over has lost its address to it, and all that it held.
    if (node !== undefined && this.records.nodeByIp(node.ip)?.id === node.id) this.pools.free(node);
  }

  #beforePut(record: LogRecord, nowMs: number): void {
    if (record.kind === 'former-node') this.#putFormerNode(record.node, nowMs);
    if (record.kind !== 'node') return;
    const { id, ip } = record.node;
    const before = this.records.nodes.get(id) ?? this.records.nodeByIp(ip);
    this.pools.takeDifference(before, record.node);
    if (before !== undefined) this.pools.freeDifference(before, record.node);
  }

  #afterPut(record: LogRecord): void {
    if (record.kind === 'network') {
      if (record.network.phase === 'deleted') this.pools.removeNetwork(record.network.id);
      else this.pools.addNetwork(record.network);
    }
    if (record.kind === 'address-space') {
      this.pools.setAddressSpace(record.addressSpace, this.records.nodes.values());
    }
  }

  /** A former node that is changed keeps the rest of its quarantine. */
  #putFormerNode(node: FormerNodeRecord, nowMs: number): void {
    const before = this.records.formerNodes.get(node.id);
    if (before === undefined) this.#quarantine(node, nowMs);
    else this.pools.releaseDifference(before, node);
  }

  #quarantine(node: FormerNodeRecord, nowMs: number): void {
    this.pools.quarantine(node);
    this.#quarantineEnds.set(node.id, nowMs + this.#quarantineMs);
  }

  #endQuarantine(id: NodeId): void {
    const node = this.records.formerNodes.get(id);
    if (node !== undefined) this.pools.release(node);
    this.#quarantineEnds.delete(id);
  }
}
