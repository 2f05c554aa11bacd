import { expect, it } from '@jest/globals';
import { type LogRecord, type Mutation, refOf } from '@overlay/model';
import fc from 'fast-check';
import { CommitRoom } from '../commit-room.js';
import { keyOf } from '../log-keys.js';
import { sampleAddressSpace, sampleClaim, sampleNetwork, sampleNode } from '../sample-records.js';
import { byKey, contents, create, type LedLog, put, remove, take } from './log-steps.js';

/** What is committed, what is not, and in which order. */
export function describeCommits(now: () => LedLog): void {
  it('is empty at revision 0', async () => {
    const { log } = now();
    expect(await contents(log)).toEqual({ revision: 0n, records: [] });
  });

  it('keeps every kind of record over a reopening, with the revision', async () => {
    const { opened, log, fence } = now();
    const records = [sampleAddressSpace(), sampleNetwork(1), sampleNode(1), sampleClaim('9.0.0.0/26')];
    const revision = await log.commit(records.map(create), fence);
    expect(revision).toBeGreaterThan(0n);
    const expected = { revision, records: byKey(records) };
    expect(await contents(log)).toEqual(expected);
    expect(await contents(await opened.reopen())).toEqual(expected);
  });

  it('commits nothing of a batch whose create meets an entry, and names the entry', async () => {
    const { log, fence } = now();
    const revision = await log.commit([create(sampleClaim('9.0.0.0/26'))], fence);
    const batch = [create(sampleNode(2)), create(sampleClaim('9.0.0.0/26', 'node-2'))];
    const failure = await log.commit(batch, fence).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'already_exists' });
    expect(String(failure)).toContain('claim/block/9.0.0.0/26');
    expect(await contents(log)).toEqual({ revision, records: [sampleClaim('9.0.0.0/26')] });
  });

  it('sees a create that meets an entry of its own batch, and one that follows a delete', async () => {
    const { log, fence } = now();
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
    const { log, fence } = now();
    const revision = await log.commit([remove(sampleNode(1))], fence);
    expect(await contents(log)).toEqual({ revision, records: [] });
  });

  it('takes as many mutations at once as it says, and commits nothing of one more', async () => {
    const { log, fence } = now();
    const claims = Array.from({ length: log.maxMutations + 1 }, (_, index) =>
      create(sampleClaim(`claim-${index}`)),
    );
    await expect(log.commit(claims, fence)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect((await contents(log)).records).toEqual([]);
    await log.commit(claims.slice(1), fence);
    expect((await contents(log)).records).toHaveLength(log.maxMutations);
  });

  it('takes as many bytes at once as it says, and commits nothing of more', async () => {
    const { log, fence } = now();
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
    const { log, fence } = now();
    const attempts = Array.from({ length: 20 }, (_, index) =>
      log.commit([create(sampleClaim('9.0.0.0/26', `node-${index}`)), create(sampleNode(index))], fence),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await contents(log)).records).toHaveLength(2);
  });

  it('gives concurrent commits revisions of their own', async () => {
    const { log, fence } = now();
    const commits = Array.from({ length: 20 }, (_, index) => log.commit([create(sampleNode(index))], fence));
    const revisions = (await Promise.all(commits)).toSorted((a, b) => (a < b ? -1 : 1));
    expect(new Set(revisions).size).toBe(20);
    expect((await take(log, 0n, 20)).map(({ revision }) => revision)).toEqual(revisions);
  });

  it('commits in the order that the commits have, however many are on their way', async () => {
    const { log, fence } = now();
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
    const { log, fence } = now();
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

  it('can be closed twice, and answers UNAVAILABLE then', async () => {
    const { log, fence } = now();
    await log.close();
    await log.close();
    await expect(log.load()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(log.commit([], fence)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is a map with all-or-nothing batches', async () => {
    const { opened, log, fence } = now();
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

function largeNode(number: number): LogRecord {
  const record = sampleNode(number);
  if (record.kind !== 'node') return record;
  return { ...record, node: { ...record.node, attributes: { text: '\u00e4'.repeat(32_000) } } };
}
