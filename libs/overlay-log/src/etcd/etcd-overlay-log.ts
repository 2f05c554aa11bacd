import type { OverlayError } from '@overlay/failure';
import type { Mutation } from '@overlay/model';
import { campaignAborted, fenceVoid, logClosed, notBehind, requireFits } from '../log-failures.js';
import {
  type CommitOrder,
  type Fence,
  type Leadership,
  type LogChange,
  type LogSnapshot,
  markOf,
  type OverlayLog,
} from '../overlay-log.js';
import { EtcdElection } from './etcd-election.js';
import { EtcdKeys } from './etcd-keys.js';
import type { EtcdLeadership } from './etcd-leadership.js';
import { EtcdMembers } from './etcd-members.js';
import { createClients, type EtcdOverlayLogOptions } from './etcd-options.js';
import { LeaderWatch } from './leader-watch.js';
import {
  type CommitPlan,
  MAX_COMMIT_BYTES,
  MAX_COMMIT_MUTATIONS,
  planCommit,
  planConflictSearch,
  readCommitAnswer,
  readConflict,
} from './plan-commit.js';
import { readSnapshot } from './read-snapshot.js';
import { watchCommits } from './watch-commits.js';

/**
 * Opens the log that several masters share in an etcd cluster. A commit is one transaction under the leader's
 * fence; its revision is etcd's. A campaign waits until no candidate of any process leads. Opening reaches out to
 * nobody: calls answer `unavailable` naming the endpoints while etcd cannot be reached, campaigns and watches
 * wait, and `unauthenticated` or `permission_denied` if it refuses the user.
 * @throws OverlayError `invalid_argument` naming the endpoint or the file that cannot be used.
 */
export function openEtcdOverlayLog(options: EtcdOverlayLogOptions): OverlayLog {
  return new EtcdOverlayLog(options);
}

class EtcdOverlayLog implements OverlayLog {
  readonly maxMutations = MAX_COMMIT_MUTATIONS;
  readonly maxBytes = MAX_COMMIT_BYTES;
  readonly #members: EtcdMembers;
  readonly #keys: EtcdKeys;
  readonly #leader: LeaderWatch;
  readonly #election: EtcdElection;
  readonly #closing = new AbortController();
  /** Commits on their way that others may have to be behind, by their marks. */
  readonly #underWay = new Map<string, Promise<bigint>>();
  #leadership: EtcdLeadership | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: EtcdOverlayLogOptions) {
    const { endpoints, prefix, timeoutMs = 3_000, leaseTtlSeconds = 5 } = options;
    this.#keys = new EtcdKeys(prefix);
    this.#members = new EtcdMembers(createClients(options), endpoints, timeoutMs);
    this.#leader = new LeaderWatch(this.#members, this.#keys, this.#closing.signal);
    this.#election = new EtcdElection(this.#members, this.#keys, this.#leader, {
      ttlSeconds: leaseTtlSeconds,
      monotonicMs: options.monotonicMs ?? (() => performance.now()),
    });
  }

  async load(): Promise<LogSnapshot> {
    this.#requireOpen();
    return readSnapshot(this.#members, this.#keys);
  }

  async commit(mutations: readonly Mutation[], fence: Fence, order?: CommitOrder): Promise<bigint> {
    this.#requireOpen();
    requireFits(mutations, this);
    const own = this.#leadership;
    if (own?.fence.epoch === fence.epoch && own.isOver()) throw fenceVoid(fence);
    const outcome = this.#commit(planCommit(mutations, fence, this.#keys, order), fence, order?.behind);
    if (order === undefined) return outcome;
    const mark = markOf(fence, order.number);
    this.#underWay.set(mark, outcome);
    try {
      return await outcome;
    } finally {
      this.#underWay.delete(mark);
    }
  }

  watch(fromRevision: bigint, signal: AbortSignal): AsyncIterable<LogChange> {
    return watchCommits(this.#members, this.#keys, fromRevision, this.#until(signal));
  }

  watchLeader(signal: AbortSignal): AsyncIterable<string | undefined> {
    return this.#leader.watch(this.#until(signal));
  }

  async campaign(candidate: string, signal: AbortSignal): Promise<Leadership> {
    this.#requireOpen();
    if (signal.aborted) throw campaignAborted(candidate);
    const leadership = await this.#election.campaign(candidate, this.#until(signal));
    this.#leadership = leadership;
    return leadership;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#leadership?.resign();
    this.#members.close();
  }

  /**
   * etcd may take commits that are on their way at once in any order. One that came before the one that it has to be
   * behind did nothing, and is sent once more when that is done; it is in the log by then, or failed.
   */
  async #commit(plan: CommitPlan, fence: Fence, behind: number | undefined): Promise<bigint> {
    for (let early = false; ; early = true) {
      const answer = await this.#members.call({
        doing: 'write',
        repeatable: false,
        run: (client, callOptions) => client.kv.txn(plan.request, callOptions),
      });
      const verdict = readCommitAnswer(answer, fence, this.#members.where, behind);
      if (verdict.kind === 'committed') {
        this.#leader.learn(verdict.revision);
        return verdict.revision;
      }
      if (verdict.kind === 'conflict') throw await this.#conflictOf(plan);
      if (early) throw notBehind();
      await this.#underWay.get(markOf(fence, behind))?.catch(() => undefined);
    }
  }

  async #conflictOf(plan: CommitPlan): Promise<OverlayError> {
    const found = await this.#members.call({
      doing: 'write',
      repeatable: true,
      run: (client, callOptions) => client.kv.txn(planConflictSearch(plan), callOptions),
    });
    return readConflict(found, this.#keys, this.#members.where);
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw logClosed();
  }
}
