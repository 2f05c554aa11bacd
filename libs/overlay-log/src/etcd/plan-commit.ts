import { OverlayError } from '@overlay/failure';
import type { Mutation } from '@overlay/model';
import type { ICompare, IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3';
import { encodeMutation } from '../log-codec.js';
import { alreadyExists, fenceVoid } from '../log-failures.js';
import { LOG_FORMAT, requireKnownFormat } from '../log-format.js';
import { type CommitOrder, type Fence, markOf } from '../overlay-log.js';
import type { EtcdKeys } from './etcd-keys.js';

/** etcd's default limit on the operations of one branch of a transaction (`--max-txn-ops`). */
const MAX_OPERATIONS = 128;

/** Comparisons beside those of `create`s: the leader's campaign, the candidate, the format and the commit before. */
const GUARDS = 4;

/** The most mutations that fit into one transaction. */
export const MAX_COMMIT_MUTATIONS = MAX_OPERATIONS - GUARDS;

/**
 * The most bytes of one transaction: what is left of etcd's default limit (`--max-request-bytes`, 1.5 MiB) is for its
 * prefix.
 */
export const MAX_COMMIT_BYTES = 1024 * 1024;

/** A commit as one transaction of etcd. */
export interface CommitPlan {
  readonly request: ITxnRequest;
  /** Keys in etcd of the entries that must not exist. */
  readonly created: readonly Buffer[];
}

interface Outcome {
  readonly absentBefore: boolean;
  /** `undefined` deletes. */
  readonly text: string | undefined;
}

/**
 * Plans the transaction of a batch: under the fence and the known format, behind the commit before and with each created
 * entry absent, write the outcome of the batch for each entry and the mark of the commit. The failure branch reads the
 * guards only: to ask there for each created entry as well would make every commit half as large again for the sake of
 * one that fails.
 * @throws OverlayError `already_exists` if a `create` meets an entry of its own batch.
 */
export function planCommit(
  mutations: readonly Mutation[],
  fence: Fence,
  keys: EtcdKeys,
  order?: CommitOrder,
): CommitPlan {
  const created: Buffer[] = [];
  const absent: ICompare[] = [];
  const changes: IRequestOp[] = [];
  for (const [entry, { absentBefore, text }] of foldBatch(mutations)) {
    const key = keys.at(entry);
    if (absentBefore) {
      created.push(key);
      absent.push({ target: 'Create', result: 'Equal', create_revision: 0, key });
    }
    if (text === undefined) changes.push({ request_delete_range: { key } });
    else changes.push({ request_put: { key, value: Buffer.from(text) } });
  }
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
        ...placeAfter(fence, keys, order?.behind),
        ...absent,
      ],
      success: [
        ...changes,
        { request_put: { key: keys.revision, value: Buffer.from(markOf(fence, order?.number)) } },
      ],
      failure: [keys.leader, keys.format, keys.revision].map((key) => ({ request_range: { key } })),
    },
  };
}

/** What became of a commit. */
export type CommitVerdict =
  | { readonly kind: 'committed'; readonly revision: bigint }
  /** Nothing was committed: the commit before it is not in the log (yet). */
  | { readonly kind: 'early' }
  /** Nothing was committed: only a created entry can stand against it, which {@link planConflictSearch} finds. */
  | { readonly kind: 'conflict' };

/**
 * Reads etcd's answer to a commit.
 * @throws OverlayError `aborted` if the fence is void, `failed_precondition` if another format stands in the log.
 */
export function readCommitAnswer(
  answer: ITxnResponse,
  fence: Fence,
  where: string,
  behind?: number,
): CommitVerdict {
  if (answer.succeeded) return { kind: 'committed', revision: BigInt(answer.header.revision) };
  const [leader, format, last] = answer.responses.map(({ response_range: range }) => range.kvs[0]);
  const holds =
    leader?.create_revision === String(fence.epoch) && leader.value.toString() === fence.candidate;
  if (!holds) throw fenceVoid(fence);
  requireKnownFormat(format?.value.toString() ?? '', where);
  const early = behind !== undefined && last?.value.toString() !== markOf(fence, behind);
  return { kind: early ? 'early' : 'conflict' };
}

/** Plans the read that tells which entry a refused commit met. */
export function planConflictSearch({ created }: CommitPlan): ITxnRequest {
  return { success: created.map((key) => ({ request_range: { key, keys_only: true } })) };
}

/**
 * What a refused commit met: `already_exists` naming the entry. Only a new leader can have removed it meanwhile, so the
 * commit is `aborted` if nothing is there any more. Nothing was committed either way.
 */
export function readConflict(found: ITxnResponse, keys: EtcdKeys, where: string): OverlayError {
  for (const { response_range: range } of found.responses) {
    const [entry] = range.kvs;
    if (entry !== undefined) return alreadyExists(keys.entryOf(entry.key.toString()) ?? entry.key.toString());
  }
  const message = `etcd at ${where} refused a commit for an entry that is gone by now; nothing was committed, try again`;
  return new OverlayError('aborted', message);
}

function placeAfter(fence: Fence, keys: EtcdKeys, behind: number | undefined): readonly ICompare[] {
  if (behind === undefined) return [];
  const value = Buffer.from(markOf(fence, behind));
  return [{ key: keys.revision, target: 'Value', result: 'Equal', value }];
}

/** What a batch leaves of each entry: etcd takes one change of a key in a transaction. */
function foldBatch(mutations: readonly Mutation[]): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const { op, key, text } of mutations.map(encodeMutation)) {
    const before = outcomes.get(key);
    if (op === 'create' && before?.text !== undefined) throw alreadyExists(key);
    outcomes.set(key, { absentBefore: before?.absentBefore ?? op === 'create', text });
  }
  return outcomes;
}
