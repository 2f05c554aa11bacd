import { describe, expect, it } from '@jest/globals';
import { refOf } from '@overlay/model';
import { decodeMutations, decodeRecord, encodeMutation, encodeRecord, joinMutations } from './log-codec.js';
import { keyOf, refOfKey } from './log-keys.js';
import { sampleAddressSpace, sampleClaim, sampleNetwork, sampleNode } from './sample-records.js';

const SAMPLES = [sampleAddressSpace(), sampleNetwork(1), sampleNode(1), sampleClaim('fd01:b::/80')];

describe('the codec of the overlay log', () => {
  it.each(SAMPLES)('brings a record of kind $kind back', (record) => {
    const key = keyOf(refOf(record));
    expect(refOfKey(key)).toEqual(refOf(record));
    expect(decodeRecord(key, encodeRecord(record))).toEqual(record);
  });

  it('brings a batch back', () => {
    const batch = [
      { op: 'create', record: sampleNode(1) },
      { op: 'put', record: sampleNetwork(1) },
      { op: 'delete', ref: refOf(sampleClaim('9.0.0.0/26')) },
    ] as const;
    expect(decodeMutations(1n, joinMutations(batch.map(encodeMutation)))).toEqual(batch);
  });

  it.each([
    ['node/n1', 'junk'],
    ['node/n1', '[]'],
    ['node/n1', '{}'],
    ['node/n1', encodeRecord(sampleNode(1))],
    ['network/net-1', encodeRecord(sampleNode(1))],
    ['network/net-1', encodeRecord(sampleNetwork(1)).replace('active', 'sleeping')],
    ['claim/block/9.0.0.0/26', '{"nodeId":"../x"}'],
    ['claim/house/9.0.0.0/26', '{"nodeId":"n1"}'],
    ['claim/block/', '{"nodeId":"n1"}'],
    ['node/', '{}'],
    ['elsewhere', '{}'],
  ])('refuses %s with %s and names the key', (key, text) => {
    let failure: unknown;
    try {
      decodeRecord(key, text);
    } catch (thrown) {
      failure = thrown;
    }
    expect(failure).toMatchObject({ code: 'data_loss' });
    expect(String(failure)).toContain(key);
  });

  it.each(['junk', '{}', '[["move","node/n1"]]', '[7]'])(
    'refuses the batch %s and names the commit',
    (text) => {
      expect(() => decodeMutations(7n, text)).toThrow('commit 7');
    },
  );
});
