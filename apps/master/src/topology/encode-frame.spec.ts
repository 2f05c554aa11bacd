import { describe, expect, it } from '@jest/globals';
import { Peer, type TopologyChange, TopologyFrameKind, WatchTopologyResponse } from '@overlay/contracts';
import { type EncodedFrame, encodeDeltas, encodeSnapshot } from './encode-frame.js';

const MIB = 1024 * 1024;

/** Peers of a cluster with 40 networks, each with IPv4 and IPv6. */
const peers = Array.from({ length: 1_000 }, (_, node): TopologyChange => {
  const prefixes = Array.from({ length: 80 }, (_, index) => ({
    networkId: `00000000-0000-4000-8000-${String(index >> 1).padStart(12, '0')}`,
    prefix: index % 2 === 0 ? `9.${index}.${node % 256}.0/24` : `fd01:2345:6789:${node}::/64`,
  }));
  return { change: { $case: 'peer', value: Peer.create({ nodeId: `n${node}`, prefixes }) } };
});

const decoded = (frames: readonly EncodedFrame[]) =>
  frames.map((frame) => WatchTopologyResponse.decode(frame).frame);

describe('encoded frames', () => {
  it('keep a snapshot of peers with blocks in many networks below 1 MiB each', () => {
    const frames = [...encodeSnapshot({ revision: 7n, term: '' }, peers)];
    for (const frame of frames) expect(frame.length).toBeLessThan(MIB);
    expect(decoded(frames).flatMap((frame) => frame?.changes ?? [])).toEqual(peers);
  });

  it('carry the position with the last delta only', () => {
    const frames = [...encodeDeltas({ revision: 7n, term: 'a' }, { revision: 9n, term: 'b' }, peers)];
    for (const frame of frames) expect(frame.length).toBeLessThan(MIB);
    const told = decoded(frames);
    const [last, ...before] = told.toReversed();
    expect(last).toMatchObject({ kind: TopologyFrameKind.DELTA, revision: 9n, term: 'b' });
    expect(before.length).toBeGreaterThan(0);
    for (const frame of before) expect(frame).toMatchObject({ revision: 7n, term: 'a' });
    expect(told.flatMap((frame) => frame?.changes ?? [])).toEqual(peers);
  });
});
