import { OverlayError, toOverlayError } from '@overlay/failure';
import type { Mutation } from '@overlay/model';
import type { PlannerState } from '../cluster/planner-state.js';

/** A command's decision: what to commit, and the answer once that is durable. */
export interface Planned<T> {
  readonly mutations: readonly Mutation[];
  /** @param revision the log's revision at which the answer is true. */
  readonly answer: (revision: bigint) => T;
}

/** What the loop needs of the world. */
export interface CommitLoopDeps {
  /** Makes a batch durable; see `OverlayLog.commit`. */
  readonly commit: (mutations: readonly Mutation[]) => Promise<bigint>;
  /** Told of every batch that became durable, before its commands are answered. */
  readonly onCommitted: (mutations: readonly Mutation[], revision: bigint) => void;
  /** Builds the planner's state again from the log, after a commit failed. */
  readonly reload: () => Promise<{ readonly state: PlannerState; readonly revision: bigint }>;
  /** Changes that are due without anybody's command; planned before each batch. */
  readonly upkeep: (state: PlannerState) => readonly Mutation[];
  readonly monotonicMs: () => number;
}

/** At most so many commands share a commit, so that one transaction stays small. */
const MAX_BATCH = 256;

interface Waiting {
  readonly run: (state: PlannerState) => Planned<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: OverlayError) => void;
}

/**
 * Turns commands into commits: command → plan → commit → apply → answer. Commands that wait while a commit is
 * under way are planned one on top of the other and committed together (group commit). Nothing is answered
 * before the commit is durable, refusals included, for they may rest on changes of the same batch.
 */
export class CommitLoop {
  readonly #deps: CommitLoopDeps;
  readonly #queue: Waiting[] = [];
  #state: PlannerState;
  #revision: bigint;
  #running = false;
  /** Set when memory may differ from the log; the next batch loads first. */
  #stale = false;

  constructor(state: PlannerState, revision: bigint, deps: CommitLoopDeps) {
    this.#state = state;
    this.#revision = revision;
    this.#deps = deps;
  }

  /** True if the network cannot serve a new node, as far as planned. */
  isExhausted(networkId: Parameters<PlannerState['pools']['isExhausted']>[0]): boolean {
    return this.#state.pools.isExhausted(networkId);
  }

  /**
   * Plans a command against the latest state and resolves with its answer when it is durable.
   * @throws OverlayError what the plan throws; `unavailable` if the commit's outcome is unknown; `aborted` if it
   * was refused. Both can be repeated: commands are idempotent.
   */
  submit<T>(plan: (state: PlannerState) => Planned<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: plan, resolve: resolve as (value: unknown) => void, reject });
      if (!this.#running) void this.#drain();
    });
  }

  /** Commits the upkeep that is due, if any. Never rejects: what fails is tried again the next time. */
  async tick(): Promise<void> {
    try {
      await this.submit(() => ({ mutations: [], answer: () => undefined }));
    } catch {
      return;
    }
  }

  async #drain(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MAX_BATCH);
      try {
        await this.#commitTogether(batch);
      } catch (thrown) {
        this.#stale = true;
        const error = retryable(thrown);
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }

  async #commitTogether(batch: readonly Waiting[]): Promise<void> {
    if (this.#stale) {
      const { state, revision } = await this.#deps.reload();
      this.#state = state;
      this.#revision = revision;
      this.#stale = false;
    }
    const mutations: Mutation[] = [...this.#deps.upkeep(this.#state)];
    this.#state.apply(mutations, this.#deps.monotonicMs());
    const endings = batch.map((waiting) => this.#plan(waiting, mutations));
    if (mutations.length > 0) {
      this.#revision = await this.#deps.commit(mutations);
      this.#deps.onCommitted(mutations, this.#revision);
    }
    for (const end of endings) end(this.#revision);
  }

  #plan({ run, resolve, reject }: Waiting, mutations: Mutation[]): (revision: bigint) => void {
    try {
      const planned = run(this.#state);
      this.#state.apply(planned.mutations, this.#deps.monotonicMs());
      mutations.push(...planned.mutations);
      return (revision) => resolve(planned.answer(revision));
    } catch (thrown) {
      const error = toOverlayError(thrown);
      return () => reject(error);
    }
  }
}

/** A refused commit leaves nothing behind and may be repeated; every other failure has an unknown outcome. */
function retryable(thrown: unknown): OverlayError {
  const error = toOverlayError(thrown);
  if (error.code === 'already_exists') {
    const message = `the log holds a claim that this master did not know (${error.message}): try again`;
    return new OverlayError('aborted', message, { cause: error });
  }
  if (error.code !== 'internal') return error;
  return new OverlayError('unavailable', `the commit's outcome is unknown: ${error.message}`, {
    cause: error,
  });
}
