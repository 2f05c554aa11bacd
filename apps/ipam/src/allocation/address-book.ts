import { setImmediate } from 'node:timers/promises';
import { OverlayError, toOverlayError } from '@overlay/failure';
import type { HostInstant } from '../host-clock.js';
import type { AllocationStore } from '../store/allocation-store.js';
import { IpamState } from './ipam-state.js';
import { planRestart } from './plan-restart.js';
import type { IpamMutation, Plan } from './records.js';

interface Change {
  readonly plan: (state: IpamState) => Plan<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: OverlayError) => void;
}

type Outcome =
  | { readonly change: Change; readonly answer: unknown }
  | { readonly change: Change; readonly error: OverlayError };

/** Bounds the time that one commit takes, and so the wait of whoever comes next. */
const MAX_BATCH = 256;

/**
 * The pools and allocations of the host: plans one request after the other, commits those that wait together,
 * and answers only what is durable. A commit that fails leaves everything as it was; its requests are then
 * committed one by one, so that a release gets through where an allocation does not (full disk).
 */
export class AddressBook {
  readonly #store: AllocationStore;
  readonly #state: IpamState;
  readonly #waiting: Change[] = [];
  readonly #listeners = new Set<() => void>();
  #revision = 0;
  #draining: Promise<void> | undefined;
  #closed = false;

  private constructor(store: AllocationStore, state: IpamState) {
    this.#store = store;
    this.#state = state;
  }

  /**
   * Loads everything from the store. Cooldowns and terms of reservations that began before the host was
   * started begin anew, in their order: no clock tells how long the host was away.
   * @throws OverlayError as {@link AllocationStore.load}.
   */
  static async open(store: AllocationStore, now: HostInstant): Promise<AddressBook> {
    const { pools, allocations, reservations, freed } = await store.load();
    const state = new IpamState();
    state.apply({ kind: 'replace_pools', pools });
    for (const each of freed) state.apply({ kind: 'put_freed', freed: each });
    for (const record of reservations) state.apply({ kind: 'put_reservation', record });
    for (const record of allocations) state.apply({ kind: 'put_allocation', record });
    const book = new AddressBook(store, state);
    await book.#restartTerms(now);
    state.exhaustions.note(state);
    return book;
  }

  /**
   * Plans a change, commits it and answers.
   * @throws OverlayError whatever the planner throws; `unavailable` if it could not be committed, and then
   * nothing changed.
   */
  change<T>(plan: (state: IpamState) => Plan<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new OverlayError('unavailable', 'overlay-ipam is shutting down'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ plan, resolve: (answer) => resolve(answer as T), reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Looks at what is committed, in turn with the changes. The view must not keep the state. */
  read<T>(view: (state: IpamState) => T): Promise<T> {
    return this.change((state) => ({ mutations: [], answer: view(state) }));
  }

  /** Looks at once, for metrics: what is seen may include what is just being committed. */
  glance<T>(view: (state: IpamState) => T): T {
    return view(this.#state);
  }

  /** Counts what was committed since the start. */
  get revision(): number {
    return this.#revision;
  }

  /** Has the listener called behind each commit. @returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Refuses what comes from now on, and waits for what is under way. Repeatable. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  async #restartTerms(now: HostInstant): Promise<void> {
    const mutations = planRestart(this.#state, now);
    for (const mutation of mutations) this.#state.apply(mutation);
    if (mutations.length === 0) return;
    try {
      await this.#store.commit(mutations);
    } catch (thrown) {
      // On a full disk the terms begin anew with the next start once more.
      if (toOverlayError(thrown).code !== 'unavailable') throw thrown;
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      await this.#run(this.#waiting.splice(0, MAX_BATCH));
    }
    this.#draining = undefined;
  }

  /** Waits while every turn of the event loop brings more requests: a flush costs far more than a turn. */
  async #gather(): Promise<void> {
    for (let seen = 0; seen < this.#waiting.length && this.#waiting.length < MAX_BATCH; ) {
      seen = this.#waiting.length;
      await setImmediate();
    }
  }

  async #run(changes: readonly Change[]): Promise<void> {
    const undo: IpamMutation[] = [];
    const mutations: IpamMutation[] = [];
    const outcomes = changes.map((change): Outcome => {
      try {
        const { mutations: planned, answer } = change.plan(this.#state);
        for (const mutation of planned) undo.push(this.#state.apply(mutation));
        mutations.push(...planned);
        return { change, answer };
      } catch (thrown) {
        return { change, error: toOverlayError(thrown) };
      }
    });
    try {
      if (mutations.length > 0) await this.#store.commit(mutations);
    } catch (thrown) {
      for (const mutation of undo.reverse()) this.#state.apply(mutation);
      await this.#retryApart(changes, toOverlayError(thrown));
      return;
    }
    if (mutations.length > 0) this.#state.exhaustions.note(this.#state);
    for (const outcome of outcomes) settle(outcome);
    if (mutations.length === 0) return;
    this.#revision += 1;
    for (const listener of [...this.#listeners]) listener();
  }

  async #retryApart(changes: readonly Change[], error: OverlayError): Promise<void> {
    const [only] = changes;
    if (changes.length === 1 && only !== undefined) {
      only.reject(error);
      return;
    }
    for (const change of changes) await this.#run([change]);
  }
}

function settle(outcome: Outcome): void {
  if ('error' in outcome) outcome.change.reject(outcome.error);
  else outcome.change.resolve(outcome.answer);
}
