import { describe, expect, it } from '@jest/globals';
import { type TopologyChange, type TopologyFrame, TopologyFrameKind } from '@overlay/contracts';
import { PeerStream } from './peer-stream.js';

function frame(
  kind: TopologyFrame['kind'],
  changes: TopologyFrame['changes'] = [],
  revision = 7n,
): TopologyFrame {
  return { kind, revision, changes };
}

function peer(nodeId: string, ip = '10.0.0.2'): TopologyChange {
  const value = { nodeId, ip, vtepIp: '44.128.0.2', vtepIp6: '', vtepMac: '70:B3:D5:80:00:02', prefixes: [] };
  return { change: { $case: 'peer', value } };
}

const removed = (nodeId: string): TopologyChange => ({ change: { $case: 'removedNodeId', value: nodeId } });

describe('PeerStream', () => {
  it('finishes a snapshot at the synced mark, with every node that it named', () => {
    const stream = new PeerStream();
    const first = stream.next(frame(TopologyFrameKind.SNAPSHOT, [peer('a'), peer('b')]));
    expect(first).toMatchObject({ snapshot: undefined, revision: undefined });
    expect([...first.peers.keys()]).toEqual(['a', 'b']);
    stream.next(frame(TopologyFrameKind.SNAPSHOT, [peer('c'), removed('a')]));
    const synced = stream.next(frame(TopologyFrameKind.SYNCED));
    expect([...(synced.snapshot ?? [])]).toEqual(['b', 'c']);
    expect(synced.revision).toBe(7n);
  });

  it('passes deltas on after it', () => {
    const stream = new PeerStream();
    stream.next(frame(TopologyFrameKind.SNAPSHOT));
    stream.next(frame(TopologyFrameKind.SYNCED));
    const step = stream.next(frame(TopologyFrameKind.DELTA, [peer('a'), removed('b')], 9n));
    expect([...step.peers].map(([nodeId, value]) => [nodeId, value?.vtepMac])).toEqual([
      ['a', '70:b3:d5:80:00:02'],
      ['b', undefined],
    ]);
    expect(step).toMatchObject({ snapshot: undefined, revision: 9n });
  });

  it('takes a synced mark at the start for an empty snapshot, and later for none', () => {
    const stream = new PeerStream();
    expect(stream.next(frame(TopologyFrameKind.SYNCED)).snapshot).toEqual(new Set());
    expect(stream.next(frame(TopologyFrameKind.SYNCED)).snapshot).toBeUndefined();
  });

  it('refuses to start with a delta', () => {
    expect(() => new PeerStream().next(frame(TopologyFrameKind.DELTA))).toThrow(
      expect.objectContaining({ code: 'failed_precondition' }),
    );
  });

  it('refuses a delta within a snapshot', () => {
    const stream = new PeerStream();
    stream.next(frame(TopologyFrameKind.SNAPSHOT));
    expect(() => stream.next(frame(TopologyFrameKind.DELTA))).toThrow(
      expect.objectContaining({ code: 'failed_precondition' }),
    );
  });

  it('names the field that is wrong, and in which change of the frame', () => {
    expect(() => new PeerStream().next(undefined)).toThrow(
      expect.objectContaining({ violations: [{ field: 'frame', description: 'is missing' }] }),
    );
    const fields = (...changes: TopologyChange[]) =>
      expect(() => new PeerStream().next(frame(TopologyFrameKind.SNAPSHOT, changes)));
    const violations = (field: string) =>
      expect.objectContaining({ violations: [expect.objectContaining({ field })] });
    fields(removed('a b')).toThrow(violations('frame.changes[0].removed_node_id'));
    fields(peer('a'), peer('b', 'here')).toThrow(violations('frame.changes[1].peer.ip'));
  });

  it.each([
    ['no frame', undefined],
    ['an unknown kind', frame(TopologyFrameKind.UNSPECIFIED)],
    ['a peer without address', frame(TopologyFrameKind.SNAPSHOT, [peer('a', '')])],
    ['a peer without id', frame(TopologyFrameKind.SNAPSHOT, [peer('')])],
    ['a removal without id', frame(TopologyFrameKind.SNAPSHOT, [removed('')])],
  ])('refuses %s', (_what, bad) => {
    expect(() => new PeerStream().next(bad)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});
