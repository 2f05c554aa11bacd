import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import type { LogRecord, Mutation, NetworkId, NodeId } from '@overlay/model';
import fc from 'fast-check';
import { boundBytes, CommitRoom, inCommits } from './commit-room.js';
import { encodeMutation } from './log-codec.js';
import { sampleAddressSpace, sampleClaim, sampleNetwork, sampleNode } from './sample-records.js';

const put = (record: LogRecord): Mutation => ({ op: 'put', record });
const claims = (count: number) =>
  Array.from({ length: count }, (_, index) => put(sampleClaim(`9.0.${index}.0/26`)));

/** As large as parsed values get. */
function largeNode(attributes: Record<string, string>, networks: number, prefixes: number): LogRecord {
  const sample = sampleNode(1);
  if (sample.kind !== 'node') throw new Error('the sample is no node');
  const network = {
    networkId: 'n'.repeat(64) as NetworkId,
    prefixes: Array.from({ length: prefixes }, () =>
      parseCidr('fd01:bbbb:cccc:dddd:eeee:ffff:aaaa:bbb8/125'),
    ),
    mesosBridge: false,
    dockerBridge: false,
  };
  const id = 'i'.repeat(64) as NodeId;
  return {
    kind: 'node',
    node: { ...sample.node, id, attributes, networks: Array.from({ length: networks }, () => network) },
  };
}

describe('boundBytes', () => {
  it('is never below what the store takes', () => {
    const nodes = fc
      .tuple(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
        fc.nat(5),
        fc.nat(3),
      )
      .map((parts) => largeNode(...parts));
    const others = fc.constantFrom(sampleAddressSpace(), sampleNetwork(1), sampleClaim('9.0.0.0/26'));
    fc.assert(
      fc.property(fc.oneof(nodes, others), (record) => {
        const { key, text = '' } = encodeMutation(put(record));
        expect(boundBytes([put(record)])).toBeGreaterThan(2 * key.length + Buffer.byteLength(text));
      }),
    );
  });
});

describe('CommitRoom', () => {
  it('takes all of the mutations or none, by their number', () => {
    const room = new CommitRoom({ maxMutations: 3, maxBytes: 1_000_000 });
    expect(room.take(claims(2))).toBe(true);
    expect(room.take(claims(2))).toBe(false);
    expect(room.take(claims(1))).toBe(true);
    expect(room.take([])).toBe(true);
    expect(room.take(claims(1))).toBe(false);
  });

  it('takes all of the mutations or none, by their bytes', () => {
    const large = [put(largeNode({ text: 'x'.repeat(4_000) }, 1, 1))];
    const room = new CommitRoom({ maxMutations: 100, maxBytes: 2 * boundBytes(large) });
    expect(room.take(large)).toBe(true);
    expect(room.take([...large, ...large])).toBe(false);
    expect(room.take(large)).toBe(true);
    expect(room.take(claims(1))).toBe(false);
  });
});

describe('inCommits', () => {
  it('cuts by number and by bytes, and loses nothing', () => {
    const large = put(largeNode({ text: 'x'.repeat(4_000) }, 1, 1));
    const mutations = [...claims(3), large, large, ...claims(2)];
    const parts = [...inCommits(mutations, { maxMutations: 2, maxBytes: boundBytes([large]) + 100 })];
    expect(parts.map(({ length }) => length)).toEqual([2, 1, 1, 1, 2]);
    expect(parts.flat()).toEqual(mutations);
    expect([...inCommits([], { maxMutations: 2, maxBytes: 1 })]).toEqual([]);
  });
});
