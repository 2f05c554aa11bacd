import { afterEach, describe, expect, it } from '@jest/globals';
import { type TopologyFrame, TopologyFrameKind, WatchTopologyResponse } from '@overlay/contracts';
import type { Mutation } from '@overlay/model';
import fc from 'fast-check';
import { ClusterRecords } from '../cluster/cluster-records.js';
import { planRegistration } from '../cluster/plan-registration.js';
import { networkOf, planDeletionAt, requestOf, stateWith } from '../cluster/testing.js';
import { toAddressSpace, toPeer } from '../rpc/to-messages.js';
import { TopologyFeed } from './topology-feed.js';

const feeds: TopologyFeed[] = [];
afterEach(() => {
  for (const feed of feeds.splice(0)) feed.close();
});

/**
 * A cluster whose commits go straight to the feed.
 * @param loaded hosts that the log has when the feed begins with it.
 */
function clusterWithFeed(historyLength = 100, loaded: readonly (readonly [id: string, ip: string])[] = []) {
  const state = stateWith([networkOf('dcos', ['9.0.0.0/8', 24])]);
  const records = new ClusterRecords();
  for (const network of state.records.networks.values()) records.put({ kind: 'network', network });
  let revision = 1n;
  let term = '10.0.9.1:5060#first 1';
  const feed = new TopologyFeed({
    records,
    renderAddressSpace: (space) => toAddressSpace(space, '70:B3:D5:00:00:00'),
    batchMs: 1,
    historyLength,
  });
  feeds.push(feed);
  const write = (mutations: readonly Mutation[]) => {
    state.apply(mutations, 0);
    records.apply(mutations);
    revision += 1n;
  };
  const commit = (mutations: readonly Mutation[]) => {
    if (mutations.length === 0) return;
    write(mutations);
    feed.publish(mutations, { revision, term });
  };
  const context = { isConnected: () => false };
  for (const [id, ip] of loaded) write(planRegistration(state, requestOf(id, ip), context).mutations);
  feed.begin({ revision, term });
  return {
    feed,
    peers: () => [...records.nodes.values()].map(toPeer).sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1)),
    join: (id: string, ip: string) => commit(planRegistration(state, requestOf(id, ip), context).mutations),
    elect: (next: string) => {
      term = next;
    },
    leave: (ip: string) => commit(planDeletionAt(state, ip).mutations),
    /** A host comes and goes without this master hearing of it. Gives the revision with the host, and loads the log anew. */
    missVisit: (id: string, ip: string) => {
      write(planRegistration(state, requestOf(id, ip), context).mutations);
      const between = revision;
      write(planDeletionAt(state, ip).mutations);
      feed.leap([], { revision, term });
      return between;
    },
  };
}

/** A watcher that keeps the peers as an agent does. */
class Watcher {
  readonly peers = new Map<string, unknown>();
  readonly kinds: TopologyFrame['kind'][] = [];
  stale = '';
  synced = 0n;
  /** The term that came with it. */
  term: string | undefined;
  #named = new Set<string>();
  readonly #frames: AsyncGenerator<Buffer>;
  readonly #controller = new AbortController();

  constructor(feed: TopologyFeed, revision = 0n, term = '') {
    this.#frames = feed.watch({ revision, term }, this.#controller.signal);
  }

  async next(): Promise<TopologyFrame> {
    const { value } = await this.#frames.next();
    const { frame, stale } = WatchTopologyResponse.decode(value as Buffer);
    if (frame === undefined) throw new Error('a response without a frame');
    if (frame.kind === TopologyFrameKind.SYNCED) this.stale = stale;
    this.#take(frame);
    return frame;
  }

  async untilSynced(): Promise<this> {
    while ((await this.next()).kind !== TopologyFrameKind.SYNCED);
    return this;
  }

  async close(): Promise<void> {
    this.#controller.abort();
    await this.#frames.return(undefined);
  }

  #take(frame: TopologyFrame): void {
    this.kinds.push(frame.kind);
    for (const { change } of frame.changes) {
      if (change?.$case === 'peer') {
        this.peers.set(change.value.nodeId, change.value);
        this.#named.add(change.value.nodeId);
      }
      if (change?.$case === 'removedNodeId') this.peers.delete(change.value);
    }
    if (frame.kind === TopologyFrameKind.SYNCED) {
      const snapshot = this.kinds.includes(TopologyFrameKind.SNAPSHOT);
      if (snapshot) for (const id of this.peers.keys()) if (!this.#named.has(id)) this.peers.delete(id);
      this.#named = new Set();
    }
    if (frame.kind === TopologyFrameKind.SNAPSHOT) return;
    this.synced = frame.revision;
    this.term = frame.term;
  }

  sorted(): readonly unknown[] {
    return [...this.peers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, peer]) => peer);
  }
}

describe('TopologyFeed', () => {
  it('says in a synced mark when it becomes stale and when it is current again', async () => {
    const cluster = clusterWithFeed();
    const watcher = await new Watcher(cluster.feed).untilSynced();
    expect(watcher.stale).toBe('');
    cluster.join('a', '10.0.0.1');
    cluster.feed.setStale('log: away');
    await watcher.untilSynced();
    expect(watcher.stale).toBe('log: away');
    const late = await new Watcher(cluster.feed, 1n).untilSynced();
    expect(late.stale).toBe('log: away');
    cluster.feed.setStale('');
    const before = watcher.kinds.length;
    await watcher.untilSynced();
    expect(watcher.stale).toBe('');
    expect(watcher.peers.size).toBe(1);
    expect(watcher.kinds.slice(before)).not.toContain(TopologyFrameKind.SNAPSHOT);
    for (const one of [watcher, late]) await one.close();
  });

  it('gives a snapshot to who may know of what came and went while this master heard nothing', async () => {
    const cluster = clusterWithFeed();
    cluster.join('a', '10.0.0.1');
    const before = await new Watcher(cluster.feed).untilSynced();
    const between = cluster.missVisit('b', '10.0.0.2');
    const inside = await new Watcher(cluster.feed, between, before.term).untilSynced();
    expect(inside.kinds).toContain(TopologyFrameKind.SNAPSHOT);
    const outside = await new Watcher(cluster.feed, before.synced, before.term).untilSynced();
    expect(outside.kinds).not.toContain(TopologyFrameKind.SNAPSHOT);
    const after = await new Watcher(cluster.feed, inside.synced, inside.term).untilSynced();
    expect(after.kinds).toEqual([TopologyFrameKind.SYNCED]);
    for (const one of [before, inside, outside, after]) await one.close();
  });

  it('begins with a snapshot and its mark, and goes on with deltas', async () => {
    const cluster = clusterWithFeed();
    cluster.join('a', '10.0.0.1');
    const watcher = await new Watcher(cluster.feed).untilSynced();
    expect(watcher.kinds).toEqual([TopologyFrameKind.SNAPSHOT, TopologyFrameKind.SYNCED]);
    cluster.join('b', '10.0.0.2');
    cluster.leave('10.0.0.1');
    const delta = await watcher.next();
    expect(delta.kind).toBe(TopologyFrameKind.DELTA);
    expect(delta.changes).toHaveLength(2);
    expect(watcher.sorted()).toEqual(cluster.peers());
    await watcher.close();
    expect(cluster.feed.watchers).toBe(0);
  });

  it('resumes by revision without a snapshot', async () => {
    const cluster = clusterWithFeed();
    cluster.join('a', '10.0.0.1');
    const first = await new Watcher(cluster.feed).untilSynced();
    await first.close();
    cluster.join('b', '10.0.0.2');
    const again = await new Watcher(cluster.feed, first.synced).untilSynced();
    expect(again.kinds).toEqual([TopologyFrameKind.DELTA, TopologyFrameKind.SYNCED]);
    expect([...again.peers.keys()]).toEqual(['b']);
    const current = await new Watcher(cluster.feed, again.synced).untilSynced();
    expect(current.kinds).toEqual([TopologyFrameKind.SYNCED]);
    await again.close();
    await current.close();
  });

  it('gives a snapshot where the history does not reach, and to a revision from the future', async () => {
    const cluster = clusterWithFeed(2);
    for (let host = 1; host <= 8; host += 1) {
      cluster.join(`n${host}`, `10.0.0.${host}`);
      await (await new Watcher(cluster.feed, cluster.feed.revision).untilSynced()).close();
    }
    for (const from of [2n, 99n]) {
      const watcher = await new Watcher(cluster.feed, from).untilSynced();
      expect(watcher.kinds).toContain(TopologyFrameKind.SNAPSHOT);
      expect(watcher.sorted()).toEqual(cluster.peers());
      await watcher.close();
    }
  });

  it('waits for a revision that another master told first', async () => {
    const cluster = clusterWithFeed();
    cluster.join('a', '10.0.0.1');
    const watcher = new Watcher(cluster.feed, cluster.feed.revision + 1n);
    const synced = watcher.untilSynced();
    cluster.join('b', '10.0.0.2');
    await synced;
    expect(watcher.kinds).toEqual([TopologyFrameKind.SYNCED]);
    await watcher.close();
  });

  it('lets only the last part of a large delta be resumed from', async () => {
    const cluster = clusterWithFeed();
    const watcher = await new Watcher(cluster.feed).untilSynced();
    const before = watcher.synced;
    for (let host = 0; host < 1_500; host += 1) cluster.join(`n${host}`, `10.1.${host >> 8}.${host & 255}`);
    expect((await watcher.next()).revision).toBe(before);
    expect((await watcher.next()).revision).toBe(cluster.feed.revision);
    expect(watcher.sorted()).toEqual(cluster.peers());
    await watcher.close();
  });

  it('gives a snapshot to who comes from the log before a restore, though its revision is there', async () => {
    const backup = [['p', '10.0.0.1']] as const;
    const before = clusterWithFeed(100, backup);
    before.leave('10.0.0.1');
    for (let host = 2; host < 6; host += 1) before.join(`n${host}`, `10.0.0.${host}`);
    const first = await new Watcher(before.feed).untilSynced();
    await first.close();
    const restored = clusterWithFeed(100, backup);
    restored.elect('10.0.9.1:5060#second 1');
    for (let host = 12; host < 19; host += 1) restored.join(`n${host}`, `10.0.0.${host}`);
    expect(restored.feed.revision).toBeGreaterThan(first.synced);
    const again = await new Watcher(restored.feed, first.synced, first.term).untilSynced();
    expect(again.kinds).toEqual([TopologyFrameKind.SNAPSHOT, TopologyFrameKind.SYNCED]);
    expect(again.sorted()).toEqual(restored.peers());
    const current = await new Watcher(restored.feed, again.synced, again.term).untilSynced();
    expect(current.kinds).toEqual([TopologyFrameKind.SYNCED]);
    for (const one of [again, current]) await one.close();
  });

  it('goes on with deltas at another master of the same log, from each commit, over changes of leader', async () => {
    const one = clusterWithFeed();
    one.join('a', '10.0.0.1');
    const loadedLater = clusterWithFeed(100, [['a', '10.0.0.1']]);
    const watchers = [await new Watcher(one.feed).untilSynced()];
    for (const [index, id] of ['b', 'c', 'd'].entries()) {
      for (const { elect, join } of [one, loadedLater]) {
        elect(`10.0.9.${index}:5060#other ${index}`);
        join(id, `10.0.1.${index}`);
      }
      watchers.push(await new Watcher(one.feed).untilSynced());
    }
    const terms = new Set(watchers.map(({ term }) => term));
    expect(terms.size).toBe(watchers.length);
    for (const term of terms) expect(term).toMatch(/^[0-9a-f]{16}$/);
    for (const [missed, { synced, term }] of watchers.toReversed().entries()) {
      const again = await new Watcher(loadedLater.feed, synced, term).untilSynced();
      expect(again.kinds).not.toContain(TopologyFrameKind.SNAPSHOT);
      expect(again.peers.size).toBe(missed);
      expect([again.synced, again.term]).toEqual([one.feed.revision, watchers.at(-1)?.term]);
      await again.close();
    }
    for (const watcher of watchers) await watcher.close();
  });

  it('begins its history anew when the log goes back', async () => {
    const cluster = clusterWithFeed();
    cluster.join('a', '10.0.0.1');
    cluster.join('b', '10.0.0.2');
    const watcher = await new Watcher(cluster.feed).untilSynced();
    cluster.feed.publish([], { revision: 2n, term: '10.0.9.1:5060#second 1' });
    const early = await new Watcher(cluster.feed).untilSynced();
    expect(early.synced).toBe(2n);
    cluster.feed.publish([], { revision: 9n, term: '10.0.9.1:5060#second 1' });
    const again = await new Watcher(cluster.feed, watcher.synced, watcher.term).untilSynced();
    expect(again.kinds).toContain(TopologyFrameKind.SNAPSHOT);
    expect(again.synced).toBe(9n);
    for (const one of [watcher, early, again]) await one.close();
  });

  it('leaves a watcher with the truth whatever happens while it reads', async () => {
    const step = fc.record({
      join: fc.boolean(),
      host: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (script) => {
        const cluster = clusterWithFeed();
        cluster.join('n1', '10.0.0.1');
        const watcher = await new Watcher(cluster.feed).untilSynced();
        for (const { join, host } of script) {
          if (join) cluster.join(`n${host}`, `10.0.0.${host}`);
          else cluster.leave(`10.0.0.${host}`);
        }
        while (watcher.synced < cluster.feed.revision) await watcher.next();
        expect(watcher.sorted()).toEqual(cluster.peers());
        await watcher.close();
      }),
      { numRuns: 40 },
    );
  });
});
