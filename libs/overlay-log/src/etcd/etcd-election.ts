import { setTimeout as sleep } from 'node:timers/promises';
import type { ICompare, IRequestOp } from 'etcd3';
import { campaignAborted } from '../log-failures.js';
import { LOG_FORMAT, requireKnownFormat } from '../log-format.js';
import type { EtcdKeys } from './etcd-keys.js';
import { EtcdLeadership } from './etcd-leadership.js';
import { EtcdLease, type LeaseTerms } from './etcd-lease.js';
import type { EtcdMembers } from './etcd-members.js';
import { fenceOf, type LeaderWatch } from './leader-watch.js';
import { prefixTaken, requireNoOuterLog } from './require-own-prefix.js';

const RETRY_MS = 500;

/** What there is of the log, all at one revision. */
interface Sight {
  readonly led: boolean;
  /** Undefined before the first winner. */
  readonly format: string | undefined;
  /** True if there is any key under the log's prefix. */
  readonly hasKeys: boolean;
}

/**
 * Campaigns for the leader's key, which exactly one transaction at a time can create. Its creation revision
 * numbers the campaign; it goes with the winner's lease. The first winner writes the format's version as well.
 */
export class EtcdElection {
  readonly #members: EtcdMembers;
  readonly #keys: EtcdKeys;
  readonly #leader: LeaderWatch;
  readonly #terms: LeaseTerms;

  constructor(members: EtcdMembers, keys: EtcdKeys, leader: LeaderWatch, terms: LeaseTerms) {
    this.#members = members;
    this.#keys = keys;
    this.#leader = leader;
    this.#terms = terms;
  }

  /**
   * Waits until the candidate leads; an etcd that cannot be reached is waited for.
   * @throws OverlayError `aborted` if the signal aborts first, `unauthenticated` or `permission_denied` if etcd
   * refuses the user, `failed_precondition` if the log's format is unknown or its prefix is not its own.
   */
  async campaign(candidate: string, signal: AbortSignal): Promise<EtcdLeadership> {
    this.#leader.start();
    while (!signal.aborted) {
      try {
        const won = await this.#attempt(candidate, signal);
        if (won !== undefined) return won;
      } catch (thrown) {
        const failure = this.#members.failure(thrown, 'campaign for');
        if (failure.code !== 'unavailable') throw failure;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    throw campaignAborted(candidate);
  }

  /** One round: waits while another leads, then tries to create the key. */
  async #attempt(candidate: string, signal: AbortSignal): Promise<EtcdLeadership | undefined> {
    const { led, format, hasKeys } = await this.#look(signal);
    if (led) {
      await this.#waitForVacancy(signal);
      return undefined;
    }
    if (format !== undefined) requireKnownFormat(format, this.#members.where);
    else if (hasKeys) throw prefixTaken(this.#members, this.#keys);
    else await requireNoOuterLog(this.#members, this.#keys, signal);
    const lease = await EtcdLease.grant(this.#members, this.#terms, signal);
    try {
      const won = await this.#create(candidate, format === undefined, lease);
      if (won !== undefined && !signal.aborted) return won;
    } catch (thrown) {
      await lease.revoke();
      throw thrown;
    }
    await lease.revoke();
    return undefined;
  }

  async #look(signal: AbortSignal): Promise<Sight> {
    const { leader: leaderKey, format: formatKey, start, end } = this.#keys;
    const request = {
      success: [
        { request_range: { key: leaderKey } },
        { request_range: { key: formatKey } },
        { request_range: { key: start, range_end: end, limit: 1, keys_only: true } },
      ],
    };
    const asked = this.#leader.newest;
    const { header, responses } = await this.#members.call({
      doing: 'campaign for',
      repeatable: true,
      signal,
      run: (client, options) => client.kv.txn(request, options),
    });
    const [leader, format, first] = responses.map(({ response_range: range }) => range.kvs[0]);
    const fence = fenceOf(leader);
    this.#leader.observe(fence, BigInt(header.revision), asked);
    return {
      led: fence !== undefined,
      format: format?.value.toString(),
      hasKeys: first !== undefined,
    };
  }

  async #create(candidate: string, first: boolean, lease: EtcdLease): Promise<EtcdLeadership | undefined> {
    const { leader: key, format } = this.#keys;
    const value = Buffer.from(LOG_FORMAT);
    const compare: ICompare[] = [
      { key, target: 'Create', result: 'Equal', create_revision: 0 },
      first
        ? { key: format, target: 'Create', result: 'Equal', create_revision: 0 }
        : { key: format, target: 'Value', result: 'Equal', value },
    ];
    const success: IRequestOp[] = [
      { request_put: { key, value: Buffer.from(candidate), lease: lease.id } },
      ...(first ? [{ request_put: { key: format, value } }] : []),
    ];
    const asked = this.#leader.newest;
    const { succeeded, header } = await this.#members.call({
      doing: 'campaign for',
      repeatable: false,
      run: (client, options) => client.kv.txn({ compare, success }, options),
    });
    if (!succeeded) return undefined;
    const fence = { candidate, epoch: BigInt(header.revision) };
    this.#leader.observe(fence, fence.epoch, asked);
    this.#leader.onceReplaced(fence, () => lease.end());
    return new EtcdLeadership(fence, lease);
  }

  /** Waits until the leader's key seems to be gone, and at most a lease's life: the watch may be stalled. */
  async #waitForVacancy(signal: AbortSignal): Promise<void> {
    const enough = AbortSignal.any([signal, AbortSignal.timeout(this.#terms.ttlSeconds * 1_000)]);
    for await (const leader of this.#leader.watch(enough)) if (leader === undefined) return;
  }
}
