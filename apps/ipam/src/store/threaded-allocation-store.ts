import { Worker } from 'node:worker_threads';
import { type FailureCode, OverlayError } from '@overlay/failure';
import type { IpamMutation } from '../allocation/records.js';
import type { AllocationStore, StoredIpam } from './allocation-store.js';
import { type CommitWrites, commitWritesOf } from './key-writes.js';

/** What the thread is asked for; it answers in the order of the calls. */
export type StoreCall =
  | { readonly kind: 'load' }
  | { readonly kind: 'write'; readonly commit: CommitWrites }
  | { readonly kind: 'close' };

/** What the thread answers. */
export type StoreReply =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: FailureCode; readonly message: string };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: OverlayError) => void;
}

/**
 * A {@link LmdbAllocationStore} in a thread of its own: while a commit waits for the disk, this thread reads and
 * answers requests. A commit is the same synchronous transaction there, so it is as certain whether it happened.
 */
export class ThreadedAllocationStore implements AllocationStore {
  /** Resolves if the thread ends by itself: what was being written may be on disk or not, so nobody may go on. */
  readonly failed: Promise<OverlayError>;
  readonly #thread: Worker;
  readonly #waiting: Waiting[] = [];
  /** Why the thread is no more. */
  #end: OverlayError | undefined;
  #closed: Promise<void> | undefined;

  /** Starts the thread; the store is opened with the first call. */
  constructor(folder: string) {
    this.#thread = new Worker(new URL('./store-thread.js', import.meta.url), { workerData: folder });
    this.#thread.on('message', (reply: StoreReply) => {
      const caller = this.#waiting.shift();
      if (reply.ok) caller?.resolve(reply.result);
      else caller?.reject(new OverlayError(reply.code, reply.message));
    });
    this.failed = new Promise((resolve) => {
      const end = (reason: string) => {
        if (this.#closed === undefined) resolve(this.#endWith(reason));
        else this.#endWith(reason);
      };
      this.#thread.once('error', (error: Error) => end(error.message));
      this.#thread.once('exit', (code) => end(`exit code ${code}`));
    });
  }

  async load(): Promise<StoredIpam> {
    return (await this.#call({ kind: 'load' })) as StoredIpam;
  }

  async commit(mutations: readonly IpamMutation[]): Promise<void> {
    await this.#call({ kind: 'write', commit: commitWritesOf(mutations) });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #call(call: StoreCall): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#thread.postMessage(call);
    });
  }

  /** Nobody waits for a thread that is no more. The first reason is the one that counts. */
  #endWith(reason: string): OverlayError {
    const what = 'what was being written may be on disk or not, and is read at the next start';
    this.#end ??= new OverlayError('unavailable', `the thread of the store ended (${reason}): ${what}`);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#end);
    return this.#end;
  }

  async #close(): Promise<void> {
    if (this.#end === undefined) await this.#call({ kind: 'close' });
    await this.#thread.terminate();
  }
}
