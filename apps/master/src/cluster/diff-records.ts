import type { LogRecord, LogRecordRef, Mutation } from '@overlay/model';
import type { ClusterRecords } from './cluster-records.js';

/**
 * The changes that lead from one set of records to another: what a master that loads the log anew has to tell
 * its watchers. O(n); claims are not part of either side.
 */
export function diffRecords(before: ClusterRecords, after: ClusterRecords): readonly Mutation[] {
  const mutations: Mutation[] = [];
  const put = (record: LogRecord) => mutations.push({ op: 'put', record });
  const drop = (ref: LogRecordRef) => mutations.push({ op: 'delete', ref });
  if (after.addressSpace !== undefined && differs(before.addressSpace, after.addressSpace)) {
    put({ kind: 'address-space', addressSpace: after.addressSpace });
  }
  compare(before.networks, after.networks, {
    changed: (network) => put({ kind: 'network', network }),
    gone: (id) => drop({ kind: 'network', id }),
  });
  compare(before.deletedNetworks, after.deletedNetworks, {
    changed: (network) => put({ kind: 'network', network }),
    gone: (_name, { id }) => drop({ kind: 'network', id }),
  });
  // Nodes that go come first: one that comes may have the address of one that goes.
  for (const id of before.nodes.keys()) if (!after.nodes.has(id)) drop({ kind: 'node', id });
  for (const [id, node] of after.nodes) if (differs(before.nodes.get(id), node)) put({ kind: 'node', node });
  compare(before.formerNodes, after.formerNodes, {
    changed: (node) => put({ kind: 'former-node', node }),
    gone: (id) => drop({ kind: 'former-node', id }),
  });
  return mutations;
}

interface Found<K, V> {
  readonly changed: (value: V) => void;
  readonly gone: (key: K, value: V) => void;
}

function compare<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>, found: Found<K, V>): void {
  for (const [key, value] of before) if (!after.has(key)) found.gone(key, value);
  for (const [key, value] of after) if (differs(before.get(key), value)) found.changed(value);
}

function differs(before: unknown, after: unknown): boolean {
  if (before === undefined || before === after) return before !== after;
  return JSON.stringify(before) !== JSON.stringify(after);
}
