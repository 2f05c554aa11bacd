import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IKeyValue } from 'etcd3';
import { LeaderFeed } from '../leader-feed.js';
import type { Fence } from '../overlay-log.js';
import type { EtcdKeys } from './etcd-keys.js';
import type { EtcdMembers } from './etcd-members.js';
import { readEvents } from './read-events.js';

const RETRY_MS = 200;
/** How often it is asked whether the store can still tell. */
const CONFIRM_MS = 2_000;
/** So many questions in a row have to fail, each at another member, before nobody counts as leading. */
const DOUBTS = 2;

/** Follows the leader's key from the first question on until the log is closed. */
export class LeaderWatch {
  readonly #members: EtcdMembers;
  readonly #keys: EtcdKeys;
  readonly #closing: AbortSignal;
  readonly #feed = new LeaderFeed();
  readonly #known = new AbortController();
  readonly #listeners = new Set<(restored: boolean) => void>();
  #fence: Fence | undefined;
  #revision = 0n;
  #newest = 0n;
  #running = false;

  constructor(members: EtcdMembers, keys: EtcdKeys, closing: AbortSignal) {
    this.#members = members;
    this.#keys = keys;
    this.#closing = closing;
  }

  /** The candidate that leads, then each change, as the port's `watchLeader` says. */
  async *watch(signal: AbortSignal): AsyncGenerator<string | undefined> {
    this.start();
    if (!this.#known.signal.aborted && !signal.aborted) {
      await once(this.#known.signal, 'abort', { signal }).catch(() => undefined);
    }
    yield* this.#feed.watch(signal);
  }

  /** Starts to follow; does nothing if it does already. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#follow();
    void this.#confirm();
  }

  /** The newest revision of etcd that is known; what a quorum is asked from now on is answered at no older one. */
  get newest(): bigint {
    return this.#newest;
  }

  /** Tells of a revision that etcd is at, without news of the leader. */
  learn(revision: bigint): void {
    if (revision > this.#newest) this.#newest = revision;
  }

  /**
   * Tells what stood under the leader's key at a revision of etcd. Older news than known changes nothing, but for an
   * answer that a quorum gave: it knows less than before only where etcd was restored from a backup. Then nobody's fence
   * holds any more, be it in the backup: whoever leads knows of commits that are not in the log.
   * @param asked the revision that was known when the quorum was asked; 0 for what came unasked
   */
  observe(fence: Fence | undefined, revision: bigint, asked = 0n): void {
    const restored = revision < asked;
    if (revision < this.#revision && !restored) return;
    this.#revision = revision;
    if (restored) this.#newest = revision;
    else this.learn(revision);
    this.#fence = fence;
    this.#feed.tell(fence?.candidate);
    this.#known.abort();
    for (const listener of [...this.#listeners]) listener(restored);
  }

  /** Calls back once when someone else, or nobody, is known to lead in place of this fence. */
  onceReplaced(fence: Fence, replaced: () => void): void {
    const listener = (restored: boolean): void => {
      if (!restored && (this.#revision < fence.epoch || this.#fence?.epoch === fence.epoch)) return;
      this.#listeners.delete(listener);
      replaced();
    };
    this.#listeners.add(listener);
    listener(false);
  }

  async #follow(): Promise<void> {
    const signal = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#read(signal);
      } catch {
        // Not reachable, or not allowed: campaigns and loads say so; the watch goes on when it can.
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Asks again and again who leads. A member that has lost the rest of its cluster keeps its streams open and says
   * nothing, and nobody can take a leader's key away then: only a question that needs the quorum shows it.
   */
  async #confirm(): Promise<void> {
    const signal = this.#closing;
    let doubts = 0;
    while (!signal.aborted) {
      await sleep(doubts === 0 ? CONFIRM_MS : RETRY_MS, undefined, { signal }).catch(() => undefined);
      try {
        await this.#ask();
        doubts = 0;
      } catch {
        doubts += 1;
        if (doubts >= DOUBTS) this.#feed.tell(undefined);
      }
    }
  }

  /** Asks a quorum who leads, and tells it. @returns the revision of the answer. */
  async #ask(): Promise<bigint> {
    const asked = this.#newest;
    const { header, kvs } = await this.#members.call({
      doing: 'watch',
      repeatable: true,
      run: (client, options) => client.kv.range({ key: this.#keys.leader }, options),
    });
    const revision = BigInt(header.revision);
    this.observe(fenceOf(kvs[0]), revision, asked);
    return revision;
  }

  async #read(signal: AbortSignal): Promise<void> {
    const key = this.#keys.leader;
    const revision = await this.#ask();
    const request = { key, start_revision: String(revision + 1n) };
    for await (const answer of readEvents(this.#members, request, signal)) {
      if (answer.canceled) return;
      for (const { kv } of answer.events) this.observe(fenceOf(kv), BigInt(kv.mod_revision));
    }
  }
}

/** The fence that a version of the leader's key stands for; `undefined` for none and a deletion. */
export function fenceOf(entry: IKeyValue | undefined): Fence | undefined {
  if (entry === undefined || entry.version === '0') return undefined;
  return { candidate: entry.value.toString(), epoch: BigInt(entry.create_revision) };
}
