import type { Mutation } from '@overlay/model';
import type { IEvent, IKeyValue } from 'etcd3';
import type { LogChange } from '../overlay-log.js';
import { decodeEntry, refOfEntry } from './decode-entry.js';
import type { EtcdKeys } from './etcd-keys.js';

/**
 * The commits among events of the log's range, in order; etcd never spreads one revision over two answers.
 * Revisions that touch neither an entry nor the mark of a commit (elections) are left out.
 * @throws OverlayError `data_loss` naming the key of an entry that cannot be read.
 */
export function groupEvents(events: readonly IEvent[], keys: EtcdKeys): readonly LogChange[] {
  const changes = new Map<string, Mutation[]>();
  for (const { kv } of events) {
    const entry = keys.entryOf(kv.key.toString());
    if (entry === undefined && !kv.key.equals(keys.revision)) continue;
    const mutations = changes.get(kv.mod_revision) ?? [];
    changes.set(kv.mod_revision, mutations);
    if (entry !== undefined) mutations.push(mutationOf(entry, kv, keys));
  }
  return [...changes].map(([revision, mutations]) => ({ revision: BigInt(revision), mutations }));
}

function mutationOf(entry: string, { version, value }: IKeyValue, keys: EtcdKeys): Mutation {
  if (version === '0') return { op: 'delete', ref: refOfEntry(entry, keys) };
  return { op: version === '1' ? 'create' : 'put', record: decodeEntry(entry, value.toString(), keys) };
}
