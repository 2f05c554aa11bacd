import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Network, Peer, type TopologyChange, TopologyFrame, TopologyFrameKind } from '@overlay/contracts';
import fc from 'fast-check';
import { watchPeerFrames } from './peer-frames.js';
import { TopologyIntake } from './topology-intake.js';
import { TopologyStore, type TopologyUpdate } from './topology-store.js';

let folder: string;
let store: TopologyStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-topology-'));
  store = new TopologyStore(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const peer = (nodeId: string, ip = '10.0.0.1'): TopologyChange => ({
  change: { $case: 'peer', value: Peer.create({ nodeId, ip }) },
});
const gone = (nodeId: string): TopologyChange => ({ change: { $case: 'removedNodeId', value: nodeId } });
const network = (id: string): TopologyChange => ({
  change: { $case: 'network', value: Network.create({ id }) },
});
const content = () => [...store.entries()];
const { SNAPSHOT, DELTA, SYNCED } = TopologyFrameKind;

describe('TopologyStore', () => {
  it('keeps content and revision over a restart', async () => {
    await store.replace([peer('a'), network('n')], 5n);
    await store.applyDelta([gone('a'), peer('b')], 6n);
    await store.close();
    store = new TopologyStore(folder);
    expect(store.revision).toBe(6n);
    expect(content()).toStrictEqual([network('n'), peer('b')]);
    expect(store.peerCount).toBe(1);
  });

  it('keeps the term of its revision over a restart, until a revision comes without one', async () => {
    await store.replace([peer('a')], 5n, 't1');
    await store.applyDelta([], 6n, 't2');
    await store.close();
    store = new TopologyStore(folder);
    expect([store.revision, store.term]).toStrictEqual([6n, 't2']);
    await store.replace([peer('b')], 7n);
    expect([store.revision, store.term]).toStrictEqual([7n, undefined]);
    expect(content()).toStrictEqual([peer('b')]);
  });

  it.each<[string, (file: string) => void]>([
    ['garbage', (file) => writeFileSync(file, Buffer.alloc(65_536, 7))],
    ['text', (file) => writeFileSync(file, 'topology')],
    ['cut after the first page', (file) => truncateSync(file, 4096)],
  ])('names the folder where its file is %s', async (_case, damage) => {
    await store.replace([peer('a'), network('n')], 5n);
    await store.close();
    damage(join(folder, 'topology', 'data.mdb'));
    expect(() => new TopologyStore(folder)).toThrow(
      /\/topology cannot be opened: data\.mdb .*; remove the folder/,
    );
  });

  it('tells followers only what changed', async () => {
    await store.replace([peer('a'), peer('b')], 5n);
    const updates: TopologyUpdate[] = [];
    store.follow((update) => updates.push(update));
    await store.replace([peer('b'), peer('c')], 3n);
    await store.applyDelta([peer('b'), gone('x')], 4n);
    expect(updates).toStrictEqual([
      { revision: 3n, changes: [gone('a'), peer('c')] },
      { revision: 4n, changes: [] },
    ]);
    expect(store.revision).toBe(4n);
  });

  it('ends as a plain map does, whatever comes', async () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd');
    const change = fc.oneof(
      fc.tuple(id, fc.constantFrom('10.0.0.1', '10.0.0.2')).map(([node, ip]) => peer(node, ip)),
      id.map(gone),
    );
    const step = fc.record({ replace: fc.boolean(), changes: fc.array(change, { maxLength: 6 }) });
    let revision = 0n;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        revision += 1n;
        await store.replace([], revision);
        let model = new Map<string, TopologyChange>();
        for (const { replace, changes } of steps) {
          if (replace) model = new Map();
          for (const one of changes) {
            if (one.change?.$case === 'peer') model.set(one.change.value.nodeId, one);
            else if (one.change?.$case === 'removedNodeId') model.delete(one.change.value);
          }
          if (replace) await store.replace(changes, revision);
          else await store.applyDelta(changes, revision);
        }
        expect(content()).toStrictEqual([...model].toSorted().map(([, one]) => one));
      }),
      { numRuns: 30 },
    );
  });
});

describe('TopologyIntake', () => {
  it('holds a snapshot back until its synced mark', async () => {
    await store.replace([peer('old')], 3n);
    const intake = new TopologyIntake(store, 3n);
    expect(await intake.accept({ kind: SNAPSHOT, revision: 9n, changes: [peer('a')] })).toBe('stored');
    expect(content()).toStrictEqual([peer('old')]);
    expect(store.revision).toBe(3n);
    expect(await intake.accept({ kind: SYNCED, revision: 9n, changes: [] })).toBe('synced');
    expect(content()).toStrictEqual([peer('a')]);
    expect(store.revision).toBe(9n);
  });

  it('takes an empty snapshot from revision 0', async () => {
    await store.replace([peer('old')], 3n);
    await new TopologyIntake(store, 0n).accept({ kind: SYNCED, revision: 1n, changes: [] });
    expect(content()).toStrictEqual([]);
    expect(store.revision).toBe(1n);
  });

  it('stores deltas at once and resumes', async () => {
    await store.replace([peer('a')], 3n);
    const intake = new TopologyIntake(store, 3n);
    expect(await intake.accept({ kind: DELTA, revision: 4n, changes: [peer('b')] })).toBe('stored');
    expect(store.revision).toBe(4n);
    expect(await intake.accept({ kind: SYNCED, revision: 4n, changes: [] })).toBe('synced');
    expect(content()).toStrictEqual([peer('a'), peer('b')]);
  });

  it('stores the term with each revision, also where the revision stays', async () => {
    const told: (string | undefined)[] = [];
    const intake = new TopologyIntake(store, 0n);
    const frames = [
      { kind: SYNCED, revision: 4n, changes: [], term: 't1' },
      { kind: DELTA, revision: 5n, changes: [peer('b')], term: 't2' },
      { kind: SYNCED, revision: 5n, changes: [] },
      { kind: SYNCED, revision: 5n, changes: [], term: 't2' },
    ];
    for (const frame of frames) {
      await intake.accept(frame);
      told.push(store.term);
    }
    expect(told).toStrictEqual(['t1', 't2', undefined, 't2']);
    expect(store.revision).toBe(5n);
  });

  it('stores nothing of a stream that goes back', async () => {
    await store.replace([peer('a')], 9n);
    const intake = new TopologyIntake(store, 9n);
    expect(await intake.accept({ kind: DELTA, revision: 4n, changes: [gone('a')] })).toBe('diverged');
    expect(content()).toStrictEqual([peer('a')]);
    expect(store.revision).toBe(9n);
  });

  it('refuses a frame of an unknown kind', async () => {
    const frame = { kind: TopologyFrameKind.UNSPECIFIED, revision: 1n, changes: [] };
    await expect(new TopologyIntake(store, 0n).accept(frame)).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });
});

describe('watchPeerFrames', () => {
  it('sends a snapshot in parts, its synced mark, then deltas', async () => {
    const ids = Array.from({ length: 501 }, (_, index) => `n${String(index).padStart(4, '0')}`);
    await store.replace(
      ids.map((id) => peer(id)),
      5n,
    );
    const stop = new AbortController();
    const frames = watchPeerFrames(store, stop.signal)[Symbol.asyncIterator]();
    const first = (await frames.next()).value;
    const second = (await frames.next()).value;
    expect([first?.kind, first?.changes.length, second?.changes.length]).toStrictEqual([SNAPSHOT, 500, 1]);
    expect((await frames.next()).value).toStrictEqual({ kind: SYNCED, revision: 5n, changes: [] });
    await store.applyDelta([gone('n0001')], 6n);
    const delta = { kind: DELTA, revision: 6n, changes: [gone('n0001')] };
    expect((await frames.next()).value).toStrictEqual(delta);
    const pending = frames.next();
    stop.abort();
    expect((await pending).done).toBe(true);
  });

  it('keeps frames below 1 MiB where peers have blocks in many networks', async () => {
    const prefixes = Array.from({ length: 80 }, (_, index) => ({
      networkId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      prefix: `fd01:2345:6789:${index}::/64`,
    }));
    const peers = Array.from({ length: 400 }, (_, index): TopologyChange => {
      const nodeId = `n${String(index).padStart(4, '0')}`;
      return { change: { $case: 'peer', value: Peer.create({ nodeId, prefixes }) } };
    });
    await store.replace(peers, 5n);
    const stop = new AbortController();
    const told: TopologyChange[] = [];
    for await (const frame of watchPeerFrames(store, stop.signal)) {
      expect(TopologyFrame.encode(frame).finish().length).toBeLessThan(1024 * 1024);
      told.push(...frame.changes);
      if (frame.kind === SYNCED) stop.abort();
    }
    expect(told).toStrictEqual(peers);
  });

  it('loses nothing that is committed while the snapshot is read', async () => {
    await store.replace([peer('a')], 5n);
    const stop = new AbortController();
    const frames = watchPeerFrames(store, stop.signal)[Symbol.asyncIterator]();
    expect((await frames.next()).value?.changes).toStrictEqual([peer('a')]);
    await store.applyDelta([peer('b')], 6n);
    expect((await frames.next()).value?.kind).toBe(SYNCED);
    expect((await frames.next()).value?.changes).toStrictEqual([peer('b')]);
    stop.abort();
    await frames.return?.();
  });
});
