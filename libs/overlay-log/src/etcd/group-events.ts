import type { Mutation } from '@overlay/model';
import type { IEvent, IKeyValue } from 'etcd3';
import { type LogChange, termOfMark } from '../overlay-log.js';
import { decodeEntry, refOfEntry } from './decode-entry.js';
import type { EtcdKeys } from './etcd-keys.js';

/**
 * The commits among events of the log's range, in order; etcd never spreads one revision over two answers.
 * Revisions that touch neither an entry nor the mark of a commit (elections) are left out.
 * @throws OverlayError `data_loss` naming the key of an entry that cannot be read.
 */
export function groupEvents(events: readonly IEvent[], keys: EtcdKeys): readonly LogChange[] {
  const changes = new Map<string, { term: string; mutations: Mutation[] }>();
  for (const { kv } of events) {
    const entry = keys.entryOf(kv.key.toString());
    if (entry === undefined && !kv.key.equals(keys.revision)) continue;
    const change = changes.get(kv.mod_revision) ?? { term: '', mutations: [] };
    changes.set(kv.mod_revision, change);
    if (entry === undefined) change.term = termOfMark(kv.value.toString());
    else change.mutations.push(mutationOf(entry, kv, keys));
  }
  return [...changes].map(([revision, change]) => ({ revision: BigInt(revision), ...change }));
}

function mutationOf(entry: string, { version, value }: IKeyValue, keys: EtcdKeys): Mutation {
  if (version === '0') return { op: 'delete', ref: refOfEntry(entry, keys) };
  return { op: version === '1' ? 'create' : 'put', record: decodeEntry(entry, value.toString(), keys) };
}
