import { describe, expect, it } from '@jest/globals';
import { refOf } from '@overlay/model';
import type { IEvent } from 'etcd3';
import { encodeRecord } from '../log-codec.js';
import { keyOf } from '../log-keys.js';
import { sampleNode } from '../sample-records.js';
import { EtcdKeys } from './etcd-keys.js';
import { groupEvents } from './group-events.js';

const KEYS = new EtcdKeys('/overlay/');
const NODE = sampleNode(1);
const NODE_KEY = keyOf(refOf(NODE));

function event(key: string, revision: number, version: number, value = ''): IEvent {
  const kv = { key: KEYS.at(key), mod_revision: String(revision), version: String(version) };
  return { kv: { ...kv, value: Buffer.from(value) } } as IEvent;
}

describe('groupEvents', () => {
  it('makes one change of each commit and leaves elections out', () => {
    const text = encodeRecord(NODE);
    const events = [
      event('leader', 2, 1, 'm1'),
      event('meta/format', 2, 1, '1'),
      event(NODE_KEY, 3, 1, text),
      event('meta/revision', 3, 1, 'm1 2 1'),
      event(NODE_KEY, 4, 2, text),
      event('meta/revision', 4, 2, 'm1 2 2'),
      event('leader', 5, 0),
      event(NODE_KEY, 6, 0),
      event('meta/revision', 6, 3, 'm2 5'),
      event('meta/revision', 7, 4, 'm2 5 1'),
    ];
    expect(groupEvents(events, KEYS)).toEqual([
      { revision: 3n, term: 'm1 2', mutations: [{ op: 'create', record: NODE }] },
      { revision: 4n, term: 'm1 2', mutations: [{ op: 'put', record: NODE }] },
      { revision: 6n, term: 'm2 5', mutations: [{ op: 'delete', ref: refOf(NODE) }] },
      { revision: 7n, term: 'm2 5', mutations: [] },
    ]);
  });

  it('names an entry that cannot be read, and a key that is none of the log', () => {
    expect(() => groupEvents([event('node/n1', 3, 1, '{')], KEYS)).toThrow('node/n1');
    expect(() => groupEvents([event('elsewhere', 3, 1, '{}')], KEYS)).toThrow('elsewhere');
  });
});
