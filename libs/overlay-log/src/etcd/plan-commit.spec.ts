import { describe, expect, it } from '@jest/globals';
import { type Mutation, refOf } from '@overlay/model';
import type { ITxnResponse } from 'etcd3';
import { encodeRecord } from '../log-codec.js';
import { sampleClaim, sampleNode } from '../sample-records.js';
import { EtcdKeys } from './etcd-keys.js';
import {
  MAX_COMMIT_MUTATIONS,
  planCommit,
  planConflictSearch,
  readCommitAnswer,
  readConflict,
} from './plan-commit.js';

const KEYS = new EtcdKeys('/overlay/');
const FENCE = { candidate: 'm1', epoch: 7n };
const BEHIND = { number: 2, behind: 1 };
const CLAIM = sampleClaim('9.0.0.0/26');
const CREATE: Mutation = { op: 'create', record: CLAIM };
const DELETE: Mutation = { op: 'delete', ref: refOf(CLAIM) };

function textOf(key: Buffer | undefined): string {
  return String(key);
}

describe('planCommit', () => {
  it('compares the fence, the format and what is created, and marks the commit', () => {
    const { request, created } = planCommit([CREATE, { op: 'put', record: sampleNode(1) }], FENCE, KEYS);
    expect(request.compare?.map(({ key, target }) => `${key} ${target}`)).toEqual([
      '/overlay/leader Create',
      '/overlay/leader Value',
      '/overlay/meta/format Value',
      '/overlay/claim/block/9.0.0.0/26 Create',
    ]);
    expect(request.compare?.[0]?.create_revision).toBe('7');
    expect(request.success?.map(({ request_put: put }) => textOf(put?.key))).toEqual([
      '/overlay/claim/block/9.0.0.0/26',
      '/overlay/node/node-1',
      '/overlay/meta/revision',
    ]);
    expect(created.map(textOf)).toEqual(['/overlay/claim/block/9.0.0.0/26']);
  });

  it('compares the mark of the commit that it has to be behind, and leaves its own', () => {
    const { request } = planCommit([DELETE], FENCE, KEYS, BEHIND);
    expect(request.compare?.map(({ key, value }) => `${key} ${value ?? ''}`).at(-1)).toBe(
      '/overlay/meta/revision m1 7 1',
    );
    expect(request.success?.at(-1)?.request_put?.value?.toString()).toBe('m1 7 2');
    expect(planCommit([DELETE], FENCE, KEYS).request.compare).toHaveLength(3);
  });

  it('keeps every branch of the longest batch within 128 operations', () => {
    const batch = Array.from(
      { length: MAX_COMMIT_MUTATIONS },
      (_, index): Mutation => ({ op: 'create', record: sampleClaim(String(index)) }),
    );
    const plan = planCommit(batch, FENCE, KEYS, BEHIND);
    const { compare, success, failure } = plan.request;
    expect(compare).toHaveLength(128);
    expect(success?.length).toBeLessThanOrEqual(128);
    expect(failure).toHaveLength(3);
    expect(planConflictSearch(plan).success).toHaveLength(MAX_COMMIT_MUTATIONS);
  });

  it.each<[string, readonly Mutation[], number, string | undefined]>([
    ['a delete and a create', [DELETE, CREATE], 0, encodeRecord(CLAIM)],
    ['a create and a delete', [CREATE, DELETE], 1, undefined],
    ['a create, a delete and a create', [CREATE, DELETE, CREATE], 1, encodeRecord(CLAIM)],
  ])('folds %s of one entry into one change', (_, batch, guarded, value) => {
    const { request, created } = planCommit(batch, FENCE, KEYS);
    expect(request.success).toHaveLength(2);
    expect(request.success?.[0]?.request_put?.value?.toString()).toBe(value);
    expect(created).toHaveLength(guarded);
  });

  it('refuses a batch that creates an entry twice', () => {
    expect(() => planCommit([CREATE, CREATE], FENCE, KEYS)).toThrow('claim/block/9.0.0.0/26');
  });
});

describe('readCommitAnswer', () => {
  const leader = { create_revision: '7', value: Buffer.from('m1') };
  const format = { value: Buffer.from('1') };

  it('is the revision of a commit that went through', () => {
    expect(readCommitAnswer(answer(true), FENCE, 'here')).toEqual({ kind: 'committed', revision: 9n });
  });

  it('leaves a commit to the search that no guard stands against', () => {
    const last = { value: Buffer.from('m1 7 1') };
    for (const behind of [undefined, 1])
      expect(readCommitAnswer(answer(false, [leader, format, last]), FENCE, 'here', behind)).toEqual({
        kind: 'conflict',
      });
  });

  it.each([undefined, { value: Buffer.from('m1 7 0') }])(
    'knows that the commit before is not there',
    (last) => {
      expect(readCommitAnswer(answer(false, [leader, format, last]), FENCE, 'here', 1)).toEqual({
        kind: 'early',
      });
    },
  );

  it.each([
    ['aborted', [undefined, format]],
    ['aborted', [{ ...leader, create_revision: '8' }, format]],
    ['aborted', [{ ...leader, value: Buffer.from('m2') }, format]],
    ['failed_precondition', [leader, { value: Buffer.from('2') }]],
    ['failed_precondition', [leader, undefined]],
  ] as const)('says %s', (code, entries) => {
    let failure: unknown;
    try {
      readCommitAnswer(answer(false, entries), FENCE, 'here');
    } catch (thrown) {
      failure = thrown;
    }
    expect(failure).toMatchObject({ code });
  });
});

describe('readConflict', () => {
  it('names the entry that is there', () => {
    const found = answer(true, [undefined, { key: KEYS.at('claim/block/9.0.0.0/26') }]);
    const failure = readConflict(found, KEYS, 'here');
    expect(failure.code).toBe('already_exists');
    expect(failure.message).toContain('"claim/block/9.0.0.0/26"');
  });

  it('says to try again if the entry went meanwhile', () => {
    expect(readConflict(answer(true, [undefined]), KEYS, 'here').code).toBe('aborted');
  });
});

function answer(succeeded: boolean, entries: readonly unknown[] = []): ITxnResponse {
  const responses = entries.map((entry) => ({
    response_range: { kvs: entry === undefined ? [] : [entry] },
  }));
  return { header: { revision: '9' }, succeeded, responses } as ITxnResponse;
}
