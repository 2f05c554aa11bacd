import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LogRecord, type Mutation, refOf } from '@overlay/model';
import fc from 'fast-check';
import { CommitRoom } from './commit-room.js';
import { keyOf } from './log-keys.js';
import type { Fence, Leadership, LogChange, OverlayLog } from './overlay-log.js';
import { sampleAddressSpace, sampleClaim, sampleNetwork, sampleNode } from './sample-records.js';

/** A log under test. */
export interface OpenedLog {
  readonly log: OverlayLog;
  /** Closes the log and opens what it left. */
  reopen(): Promise<OverlayLog>;
  /**
   * Drops the history up to and with the commit of this revision, for a driver that does not forget by itself
   * what is older than 100 commits.
   */
  forget?(revision: bigint): Promise<void>;
  /** Closes everything and removes every trace. */
  dispose(): Promise<void>;
}

/**
 * The contract that every driver of the overlay log keeps. `open` gives an empty log, and one that remembers 100
 * commits unless it has `forget`.
 */
export function describeOverlayLog(name: string, open: () => Promise<OpenedLog>): void {
  describe(`${name} as an overlay log`, () => {
    let opened: OpenedLog;
    let log: OverlayLog;
    let leadership: Leadership;
    let fence: Fence;

    beforeEach(async () => {
      opened = await open();
      log = opened.log;
      leadership = await lead(log, 'm1');
      fence = leadership.fence;
    });
    afterEach(() => opened.dispose());

    it('is empty at revision 0', async () => {
      expect(await contents(log)).toEqual({ revision: 0n, records: [] });
    });

    it('keeps every kind of record over a reopening, with the revision', async () => {
      const records = [sampleAddressSpace(), sampleNetwork(1), sampleNode(1), sampleClaim('9.0.0.0/26')];
      const revision = await log.commit(records.map(create), fence);
      expect(revision).toBeGreaterThan(0n);
      const expected = { revision, records: byKey(records) };
      expect(await contents(log)).toEqual(expected);
      expect(await contents(await opened.reopen())).toEqual(expected);
    });

    it('commits nothing of a batch whose create meets an entry, and names the entry', async () => {
      const revision = await log.commit([create(sampleClaim('9.0.0.0/26'))], fence);
      const batch = [create(sampleNode(2)), create(sampleClaim('9.0.0.0/26', 'node-2'))];
      const failure = await log.commit(batch, fence).catch((thrown: unknown) => thrown);
      expect(failure).toMatchObject({ code: 'already_exists' });
      expect(String(failure)).toContain('claim/block/9.0.0.0/26');
      expect(await contents(log)).toEqual({ revision, records: [sampleClaim('9.0.0.0/26')] });
    });

    it('sees a create that meets an entry of its own batch, and one that follows a delete', async () => {
      const claim = sampleClaim('9.0.0.0/26');
      await expect(log.commit([create(claim), create(claim)], fence)).rejects.toMatchObject({
        code: 'already_exists',
      });
      const revision = await log.commit([create(claim)], fence);
      const moved = sampleClaim('9.0.0.0/26', 'node-2');
      const batch = [remove(claim), create(moved)];
      expect(await log.commit(batch, fence)).toBeGreaterThan(revision);
      expect((await contents(log)).records).toEqual([moved]);
    });

    it('removes what is not there without an error', async () => {
      const revision = await log.commit([remove(sampleNode(1))], fence);
      expect(await contents(log)).toEqual({ revision, records: [] });
    });

    it('takes as many mutations at once as it says, and commits nothing of one more', async () => {
      const claims = Array.from({ length: log.maxMutations + 1 }, (_, index) =>
        create(sampleClaim(`claim-${index}`)),
      );
      await expect(log.commit(claims, fence)).rejects.toMatchObject({ code: 'invalid_argument' });
      expect((await contents(log)).records).toEqual([]);
      await log.commit(claims.slice(1), fence);
      expect((await contents(log)).records).toHaveLength(log.maxMutations);
    });

    it('takes as many bytes at once as it says, and commits nothing of more', async () => {
      const nodes: Mutation[] = [];
      const room = new CommitRoom(log);
      const next = () => create(largeNode(nodes.length));
      while (room.take([next()])) nodes.push(next());
      await expect(log.commit([...nodes, next()], fence)).rejects.toMatchObject({ code: 'invalid_argument' });
      expect((await contents(log)).records).toEqual([]);
      await log.commit(nodes, fence);
      expect((await contents(log)).records).toHaveLength(nodes.length);
    });

    it('lets exactly one of many concurrent commits create an entry', async () => {
      const attempts = Array.from({ length: 20 }, (_, index) =>
        log.commit([create(sampleClaim('9.0.0.0/26', `node-${index}`)), create(sampleNode(index))], fence),
      );
      const outcomes = await Promise.allSettled(attempts);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await contents(log)).records).toHaveLength(2);
    });

    it('gives concurrent commits revisions of their own', async () => {
      const commits = Array.from({ length: 20 }, (_, index) =>
        log.commit([create(sampleNode(index))], fence),
      );
      const revisions = (await Promise.all(commits)).toSorted((a, b) => (a < b ? -1 : 1));
      expect(new Set(revisions).size).toBe(20);
      expect((await take(log, 0n, 20)).map(({ revision }) => revision)).toEqual(revisions);
    });

    it('commits in the order that the commits have, however many are on their way', async () => {
      const commits = Array.from({ length: 12 }, (_, number) =>
        log.commit([put(sampleClaim('9.0.0.0/26', `node-${number}`))], fence, {
          number,
          ...(number === 0 ? {} : { behind: number - 1 }),
        }),
      );
      const revisions = await Promise.all(commits);
      expect(revisions).toEqual(revisions.toSorted((a, b) => (a < b ? -1 : 1)));
      expect((await contents(log)).records).toEqual([sampleClaim('9.0.0.0/26', 'node-11')]);
    });

    it('commits nothing behind a commit that failed, whenever it is called', async () => {
      await log.commit([create(sampleNode(1))], fence, { number: 1 });
      const failing = log.commit([create(sampleNode(1))], fence, { number: 2, behind: 1 });
      const behind = log.commit([create(sampleNode(2))], fence, { number: 3, behind: 2 });
      await expect(failing).rejects.toMatchObject({ code: 'already_exists' });
      await expect(behind).rejects.toMatchObject({ code: 'aborted' });
      const late = log.commit([create(sampleNode(3))], fence, { number: 4, behind: 2 });
      await expect(late).rejects.toMatchObject({ code: 'aborted' });
      expect((await contents(log)).records).toEqual([sampleNode(1)]);
      await log.commit([create(sampleNode(4))], fence, { number: 5, behind: 1 });
      expect((await contents(log)).records).toHaveLength(2);
    });

    it('refuses a commit under an older fence and keeps the newer', async () => {
      await leadership.resign();
      const newer = (await lead(log, 'm2')).fence;
      expect(newer.epoch).toBeGreaterThan(fence.epoch);
      await expect(log.commit([create(sampleNode(1))], fence)).rejects.toMatchObject({ code: 'aborted' });
      expect((await contents(log)).records).toEqual([]);
      await log.commit([create(sampleNode(1))], newer);
      expect((await contents(log)).records).toEqual([sampleNode(1)]);
    });

    it('refuses a fence from before a reopening once another leads, and one with a foreign candidate', async () => {
      const reopened = await opened.reopen();
      const newer = (await lead(reopened, 'm1')).fence;
      const batch = [create(sampleNode(1))];
      await expect(reopened.commit(batch, fence)).rejects.toMatchObject({ code: 'aborted' });
      const forged = { ...newer, candidate: 'm9' };
      await expect(reopened.commit(batch, forged)).rejects.toMatchObject({ code: 'aborted' });
      expect((await contents(reopened)).records).toEqual([]);
    });

    it('voids the fence of who resigned, tells it, and allows to repeat', async () => {
      expect(leadership.lost.aborted).toBe(false);
      await leadership.resign();
      await leadership.resign();
      expect(leadership.lost.aborted).toBe(true);
      const commit = log.commit([create(sampleNode(1))], fence);
      await expect(commit).rejects.toMatchObject({ code: 'aborted' });
    });

    it('says at once that leadership is over, to whom asks', async () => {
      expect(leadership.isOver()).toBe(false);
      await leadership.resign();
      expect(leadership.isOver()).toBe(true);
      const newer = await lead(log, 'm2');
      expect([leadership.isOver(), newer.isOver()]).toEqual([true, false]);
      await log.close();
      expect(newer.isOver()).toBe(true);
    });

    it('ends a campaign that is called off', async () => {
      await expect(log.campaign('m2', AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
      expect(await log.commit([create(sampleNode(1))], fence)).toBeGreaterThan(0n);
    });

    it('tells who leads: now, after a resignation, and after the next campaign', async () => {
      const stop = new AbortController();
      const seen: (string | undefined)[] = [];
      for await (const leader of log.watchLeader(stop.signal)) {
        seen.push(leader);
        if (leader === 'm1') await leadership.resign();
        else if (leader === undefined) await lead(log, 'm2');
        else stop.abort();
      }
      expect(seen).toEqual(['m1', undefined, 'm2']);
    });

    it('ends the watch of the leader when the log is closed', async () => {
      const seen: (string | undefined)[] = [];
      for await (const leader of log.watchLeader(new AbortController().signal)) {
        seen.push(leader);
        await log.close();
      }
      expect(seen[0]).toBe('m1');
    });

    it('shows a watcher the commits since its revision, then new ones, in order', async () => {
      const first = await log.commit([create(sampleNode(1))], fence);
      const second = await log.commit([create(sampleNode(2))], fence);
      const seen = take(log, first, 3);
      const third = await log.commit([create(sampleNode(3))], fence);
      const fourth = await log.commit([remove(sampleNode(3))], fence);
      expect(await seen).toEqual([
        { revision: second, mutations: [create(sampleNode(2))] },
        { revision: third, mutations: [create(sampleNode(3))] },
        { revision: fourth, mutations: [remove(sampleNode(3))] },
      ]);
    });

    it('shows a watcher every change of a batch as one, and a batch that changed nothing too', async () => {
      const revision = await log.commit([create(sampleNode(1)), create(sampleNode(2))], fence);
      const nothing = await log.commit([], fence);
      const [change, empty] = await take(log, 0n, 2);
      expect(change?.revision).toBe(revision);
      expect(change?.mutations).toEqual([create(sampleNode(1)), create(sampleNode(2))]);
      expect(empty).toEqual({ revision: nothing, mutations: [] });
    });

    it('ends a watch without an error when its signal aborts', async () => {
      const stop = new AbortController();
      const seen: LogChange[] = [];
      const watching = (async () => {
        for await (const change of log.watch(0n, stop.signal)) seen.push(change);
      })();
      stop.abort();
      await watching;
      expect(seen).toEqual([]);
    });

    it('refuses a watch from before its history and from a revision to come', async () => {
      const revisions: bigint[] = [];
      for (let number = 1; number <= 102; number += 1) {
        revisions.push(await log.commit([put(sampleNode(number))], fence));
      }
      const [first = 0n, second = 0n] = revisions;
      const newest = revisions.at(-1) ?? 0n;
      await opened.forget?.(second);
      await expect(take(log, first, 1)).rejects.toMatchObject({ code: 'failed_precondition' });
      await expect(take(log, newest + 1n, 1)).rejects.toMatchObject({ code: 'failed_precondition' });
      expect((await take(log, second, 100)).at(-1)?.revision).toBe(newest);
    });

    it('can be closed twice, and answers UNAVAILABLE then', async () => {
      await log.close();
      await log.close();
      await expect(log.load()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(log.commit([], fence)).rejects.toMatchObject({ code: 'unavailable' });
    });

    it('is a map with all-or-nothing batches', async () => {
      const model = new Map<string, LogRecord>();
      await fc.assert(
        fc.asyncProperty(fc.array(batches, { maxLength: 6 }), async (sequence) => {
          for (const batch of sequence) {
            const expected = applied(model, batch);
            const committed = await log.commit(batch, fence).then(
              () => true,
              () => false,
            );
            expect(committed).toBe(expected !== undefined);
            if (expected !== undefined) replace(model, expected);
          }
          expect((await contents(log)).records).toEqual(byKey([...model.values()]));
        }),
        { numRuns: 15 },
      );
      expect((await contents(await opened.reopen())).records).toEqual(byKey([...model.values()]));
    });
  });
}

const records = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 2 }))
  .map(([place, owner]) => (place < 2 ? sampleNode(place) : sampleClaim(`9.0.0.${place}`, `node-${owner}`)));

const batches = fc.array(
  fc
    .tuple(fc.constantFrom('put', 'create', 'delete'), records)
    .map(
      ([op, record]): Mutation =>
        op === 'delete' ? { op, ref: refOf(record) } : ({ op, record } as Mutation),
    ),
  { maxLength: 5 },
);

function applied(
  model: ReadonlyMap<string, LogRecord>,
  batch: readonly Mutation[],
): Map<string, LogRecord> | undefined {
  const next = new Map(model);
  for (const mutation of batch) {
    if (mutation.op === 'delete') {
      next.delete(keyOf(mutation.ref));
    } else {
      const key = keyOf(refOf(mutation.record));
      if (mutation.op === 'create' && next.has(key)) return undefined;
      next.set(key, mutation.record);
    }
  }
  return next;
}

function replace(model: Map<string, LogRecord>, next: ReadonlyMap<string, LogRecord>): void {
  model.clear();
  for (const [key, record] of next) model.set(key, record);
}

function create(record: LogRecord): Mutation {
  return { op: 'create', record };
}

function largeNode(number: number): LogRecord {
  const record = sampleNode(number);
  if (record.kind !== 'node') return record;
  return { ...record, node: { ...record.node, attributes: { text: '\u00e4'.repeat(32_000) } } };
}

function put(record: LogRecord): Mutation {
  return { op: 'put', record };
}

function byKey(list: readonly LogRecord[]): readonly LogRecord[] {
  return list.toSorted((a, b) => (keyOf(refOf(a)) < keyOf(refOf(b)) ? -1 : 1));
}

function remove(record: LogRecord): Mutation {
  return { op: 'delete', ref: refOf(record) };
}

function lead(log: OverlayLog, candidate: string): Promise<Leadership> {
  return log.campaign(candidate, new AbortController().signal);
}

async function contents(log: OverlayLog): Promise<{ revision: bigint; records: readonly LogRecord[] }> {
  const snapshot = await log.load();
  const list: LogRecord[] = [];
  for await (const batch of snapshot.records) list.push(...batch);
  return { revision: snapshot.revision, records: byKey(list) };
}

async function take(log: OverlayLog, fromRevision: bigint, count: number): Promise<readonly LogChange[]> {
  const stop = new AbortController();
  const seen: LogChange[] = [];
  for await (const change of log.watch(fromRevision, stop.signal)) {
    seen.push(change);
    if (seen.length === count) stop.abort();
  }
  return seen;
}
