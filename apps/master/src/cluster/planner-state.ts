import type { LogRecord, LogRecordRef, Mutation } from '@overlay/model';
import { ClusterPools } from './cluster-pools.js';
import { ClusterRecords } from './cluster-records.js';

/**
 * What the next command is planned against: the records as they will be once everything planned so far is
 * committed, and the pools that follow from them. Thrown away and loaded again when a commit fails.
 */
export class PlannerState {
  readonly records = new ClusterRecords();
  readonly pools = new ClusterPools();
  readonly #quarantineMs: number;

  /** @param quarantineMs how long what a deleted node had is kept for it. */
  constructor(quarantineMs: number) {
    this.#quarantineMs = quarantineMs;
  }

  /** Fills the pools from the records that were loaded. @throws OverlayError `data_loss` naming a value with two owners. */
  finishLoading(): void {
    for (const network of this.records.networks.values()) this.pools.addNetwork(network);
    if (this.records.addressSpace !== undefined) this.pools.setAddressSpace(this.records.addressSpace, []);
    for (const node of this.records.nodes.values()) this.pools.take(node);
  }

  /** Applies planned changes. @param nowMs monotonic time, from which quarantines count. */
  apply(mutations: readonly Mutation[], nowMs: number): void {
    for (const mutation of mutations) {
      if (mutation.op === 'delete') this.#beforeDelete(mutation.ref, nowMs);
      else this.#beforePut(mutation.record);
      this.records.apply([mutation]);
      if (mutation.op !== 'delete') this.#afterPut(mutation.record);
    }
  }

  #beforeDelete(ref: LogRecordRef, nowMs: number): void {
    if (ref.kind === 'network') this.pools.removeNetwork(ref.id);
    const node = ref.kind === 'node' ? this.records.nodes.get(ref.id) : undefined;
    // A record that another node took over has lost its address to it, and all that it held.
    if (node === undefined || this.records.nodeByIp(node.ip)?.id !== node.id) return;
    this.pools.quarantine(node, nowMs + this.#quarantineMs);
  }

  #beforePut(record: LogRecord): void {
    if (record.kind !== 'node') return;
    const { id, ip } = record.node;
    this.pools.takeDifference(this.records.nodes.get(id) ?? this.records.nodeByIp(ip), record.node);
  }

  #afterPut(record: LogRecord): void {
    if (record.kind === 'network') this.pools.addNetwork(record.network);
    if (record.kind === 'address-space') {
      this.pools.setAddressSpace(record.addressSpace, this.records.nodes.values());
    }
  }
}
