import { describe, expect, it } from '@jest/globals';
import { Network, Peer, type TopologyChange, TopologyFrame, TopologyFrameKind } from '@overlay/contracts';
import fc from 'fast-check';
import { topologyParts } from './topology-parts.js';

const peer = (nodeId: string, blocks = 0): TopologyChange => {
  const prefixes = Array.from({ length: blocks }, (_, index) => ({
    networkId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    prefix: `fd01:2345:6789:${index}::/64`,
  }));
  const vtep = { vtepIp: '44.128.0.7', vtepIp6: 'fd01::a000:7', vtepMac: '70:b3:d5:80:00:07' };
  return { change: { $case: 'peer', value: Peer.create({ nodeId, ip: '10.0.0.7', ...vtep, prefixes }) } };
};
const gone = (nodeId: string): TopologyChange => ({ change: { $case: 'removedNodeId', value: nodeId } });
const network = (id: string): TopologyChange => ({
  change: { $case: 'network', value: Network.create({ id }) },
});
const frameBytes = (changes: TopologyChange[]) =>
  TopologyFrame.encode({ kind: TopologyFrameKind.SNAPSHOT, revision: 2n ** 64n - 1n, changes }).finish()
    .length;

describe('topologyParts', () => {
  it('cuts by count', () => {
    const changes = Array.from({ length: 21 }, (_, index) => gone(`n${index}`));
    const parts = [...topologyParts(changes, 10)];
    expect(parts.map((part) => part.length)).toEqual([10, 10, 1]);
    expect(parts.flat()).toEqual(changes);
    expect([...topologyParts([], 10)]).toEqual([]);
  });

  it('keeps frames of peers with many blocks at half of 1 MiB', () => {
    const changes = Array.from({ length: 1_000 }, (_, index) => peer(`n${index}`, 80));
    const parts = [...topologyParts(changes, 1_000)];
    const sizes = parts.map(frameBytes);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(512 * 1024);
    // The estimate is no wild guess: all but the last part are nearly full.
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(450 * 1024);
    expect(parts.flat()).toEqual(changes);
  });

  it('sends a change alone that is larger than a part', () => {
    const changes = [peer('a'), peer('huge', 10_000), peer('b')];
    expect([...topologyParts(changes, 10)]).toEqual(changes.map((change) => [change]));
  });

  it('never makes a frame too large out of small changes', () => {
    const id = fc.string({ unit: fc.constantFrom(...'abc-0'), minLength: 1, maxLength: 200 });
    const change = fc.oneof(
      fc.tuple(id, fc.nat(500)).map(([nodeId, blocks]) => peer(nodeId, blocks)),
      id.map(gone),
      id.map(network),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60, size: 'max' }), (changes) => {
        const parts = [...topologyParts(changes, 50)];
        expect(parts.flat()).toEqual(changes);
        for (const part of parts) {
          expect(part.length).toBeLessThanOrEqual(50);
          expect(frameBytes(part)).toBeLessThanOrEqual(512 * 1024 + 16);
        }
      }),
      { numRuns: 30 },
    );
  });
});
