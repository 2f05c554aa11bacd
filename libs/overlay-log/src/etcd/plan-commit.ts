import { OverlayError } from '@overlay/failure';
import { type Mutation, refOf } from '@overlay/model';
import type { ICompare, IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3';
import { encodeRecord } from '../log-codec.js';
import { alreadyExists, fenceVoid } from '../log-failures.js';
import { LOG_FORMAT, requireKnownFormat } from '../log-format.js';
import { keyOf } from '../log-keys.js';
import type { Fence } from '../overlay-log.js';
import type { EtcdKeys } from './etcd-keys.js';

/** etcd's default limit on the operations of one branch of a transaction (`--max-txn-ops`). */
const MAX_OPERATIONS = 128;

/** Comparisons beside those of `create`s: the leader's campaign, the candidate and the format. */
const GUARDS = 3;

/** The most mutations that fit into one transaction. */
export const MAX_COMMIT_MUTATIONS = MAX_OPERATIONS - GUARDS;

/** A commit as one transaction of etcd. */
export interface CommitPlan {
  readonly request: ITxnRequest;
  /** Keys of the entries that must not exist, in the order of the failure branch's reads. */
  readonly created: readonly string[];
}

interface Outcome {
  readonly absentBefore: boolean;
  /** `undefined` deletes. */
  readonly text: string | undefined;
}

/**
 * Plans the transaction of a batch: under the fence and the known format, with each created entry absent, write
 * the outcome of the batch for each entry and the mark of the commit. The failure branch reads what was compared.
 * @throws OverlayError `already_exists` if a `create` meets an entry of its own batch.
 */
export function planCommit(mutations: readonly Mutation[], fence: Fence, keys: EtcdKeys): CommitPlan {
  const outcomes = foldBatch(mutations);
  const created = [...outcomes].flatMap(([key, { absentBefore }]) => (absentBefore ? [key] : []));
  const changes = [...outcomes].map(
    ([key, { text }]): IRequestOp =>
      text === undefined
        ? { request_delete_range: { key: keys.at(key) } }
        : { request_put: { key: keys.at(key), value: Buffer.from(text) } },
  );
  const absent = created.map((key): ICompare => ({ ...ABSENT, key: keys.at(key) }));
  const seen = created.map((key): IRequestOp => ({ request_range: { key: keys.at(key), keys_only: true } }));
  return {
    created,
    request: {
      compare: [
        {
          key: keys.leader,
          target: 'Create',
          result: 'Equal',
          create_revision: String(fence.epoch),
        },
        { key: keys.leader, target: 'Value', result: 'Equal', value: Buffer.from(fence.candidate) },
        { key: keys.format, target: 'Value', result: 'Equal', value: Buffer.from(LOG_FORMAT) },
        ...absent,
      ],
      success: [...changes, { request_put: { key: keys.revision, value: Buffer.from(fence.candidate) } }],
      failure: [{ request_range: { key: keys.leader } }, { request_range: { key: keys.format } }, ...seen],
    },
  };
}

/**
 * Reads etcd's answer: the revision of the commit.
 * @throws OverlayError `aborted` if the fence is void, `failed_precondition` if another format stands in the log,
 * `already_exists` naming the entry that a `create` met.
 */
export function readCommitAnswer(
  answer: ITxnResponse,
  plan: CommitPlan,
  fence: Fence,
  where: string,
): bigint {
  if (answer.succeeded) return BigInt(answer.header.revision);
  const [leader, format, ...created] = answer.responses.map(({ response_range: range }) => range.kvs[0]);
  const holds =
    leader?.create_revision === String(fence.epoch) && leader.value.toString() === fence.candidate;
  if (!holds) throw fenceVoid(fence);
  requireKnownFormat(format?.value.toString() ?? '', where);
  const met = plan.created[created.findIndex((entry) => entry !== undefined)];
  if (met !== undefined) throw alreadyExists(met);
  throw new OverlayError('internal', `etcd at ${where} refused a commit though nothing stands against it`);
}

const ABSENT = { target: 'Create', result: 'Equal', create_revision: 0 } as const;

/** What a batch leaves of each entry: etcd takes one change of a key in a transaction. */
function foldBatch(mutations: readonly Mutation[]): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const mutation of mutations) {
    const key = keyOf(mutation.op === 'delete' ? mutation.ref : refOf(mutation.record));
    const before = outcomes.get(key);
    if (mutation.op === 'create' && before?.text !== undefined) throw alreadyExists(key);
    outcomes.set(key, {
      absentBefore: before?.absentBefore ?? mutation.op === 'create',
      text: mutation.op === 'delete' ? undefined : encodeRecord(mutation.record),
    });
  }
  return outcomes;
}
