import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IKeyValue } from 'etcd3';
import { LeaderFeed } from '../leader-feed.js';
import type { Fence } from '../overlay-log.js';
import type { EtcdKeys } from './etcd-keys.js';
import type { EtcdMembers } from './etcd-members.js';
import { readEvents } from './read-events.js';

const RETRY_MS = 200;

/** Follows the leader's key from the first question on until the log is closed. */
export class LeaderWatch {
  readonly #members: EtcdMembers;
  readonly #keys: EtcdKeys;
  readonly #closing: AbortSignal;
  readonly #feed = new LeaderFeed();
  readonly #known = new AbortController();
  readonly #listeners = new Set<() => void>();
  #fence: Fence | undefined;
  #revision = 0n;
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
  }

  /** Tells what stood under the leader's key at a revision of etcd; older news than known changes nothing. */
  observe(fence: Fence | undefined, revision: bigint): void {
    if (revision < this.#revision) return;
    this.#revision = revision;
    this.#fence = fence;
    this.#feed.tell(fence?.candidate);
    this.#known.abort();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls back once when someone else, or nobody, is known to lead in place of this fence. */
  onceReplaced(fence: Fence, replaced: () => void): void {
    const listener = (): void => {
      if (this.#revision < fence.epoch || this.#fence?.epoch === fence.epoch) return;
      this.#listeners.delete(listener);
      replaced();
    };
    this.#listeners.add(listener);
    listener();
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

  async #read(signal: AbortSignal): Promise<void> {
    const key = this.#keys.leader;
    const { header, kvs } = await this.#members.call({
      doing: 'watch',
      repeatable: true,
      run: (client, options) => client.kv.range({ key }, options),
    });
    const revision = BigInt(header.revision);
    this.observe(fenceOf(kvs[0]), revision);
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
