import { OverlayError, toOverlayError } from '@overlay/failure';
import type { Mutation } from '@overlay/model';
import { type CommitLimits, type CommitOrder, CommitRoom, tooLarge } from '@overlay/overlay-log';
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
  readonly commit: (mutations: readonly Mutation[], order: CommitOrder) => Promise<bigint>;
  /** True if leadership is over by now; see `Leadership.isOver`. */
  readonly isOver: () => boolean;
  /** How large one commit may be. */
  readonly limits: CommitLimits;
  /** Told of every batch that became durable, before its commands are answered. */
  readonly onCommitted: (mutations: readonly Mutation[], revision: bigint) => void;
  /** Told just before the commands of a durable batch are answered. */
  readonly onAnswering: () => void;
  /** Changes that are due without anybody's command, as far as they took from the room; asked for with each batch. */
  readonly upkeep: (state: PlannerState, room: CommitRoom) => readonly Mutation[];
  readonly monotonicMs: () => number;
}

/** At most so many commands share a commit. */
const MAX_BATCH = 256;

/** So many commits are on their way at once, if a second one is full before the first is durable. */
const MAX_UNDER_WAY = 2;

interface Waiting {
  readonly run: (state: PlannerState) => Planned<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: OverlayError) => void;
}

/** Commands that were planned on top of each other and are committed together. */
interface Batch {
  readonly room: CommitRoom;
  readonly mutations: Mutation[];
  readonly commands: { readonly end: (revision: bigint) => void; readonly waiting: Waiting }[];
}

/** A batch on its way to the log. */
interface Sent {
  readonly batch: Batch;
  /** The revision that the batch led to, none if it changes nothing, or why it failed. Never rejects. */
  readonly outcome: Promise<bigint | OverlayError | undefined>;
}

/**
 * Turns a leader's commands into commits: command → plan → commit → apply → answer. A command is planned as soon as
 * it comes, on the assumption that the commit under way succeeds, and all that came meanwhile are committed
 * together when it is done (group commit). Nothing is answered before the commit is durable, refusals included, for
 * they may rest on changes of the same batch. The next commit is on its way before the answers of a durable one are, so
 * that the store does not wait for them; and where more waits than one commit can hold, it does not even wait for the
 * one before, but tells the log to be behind that. What needs no commit is answered only while the lease lasts: a leader
 * that was paused past it may not know what others changed.
 *
 * A failed commit ends the loop: its memory may differ from the log then. The leader gives up its leadership,
 * which also voids a commit that is still on its way, loads the log, and leads or follows anew.
 */
export class CommitLoop {
  /** Resolves with the reason when a commit failed; never rejects. */
  readonly failed: Promise<OverlayError>;
  readonly #deps: CommitLoopDeps;
  readonly #state: PlannerState;
  /** Commands that did not fit into the open batch. */
  readonly #queue: Waiting[] = [];
  #open: Batch;
  /** In the order in which they were sent. */
  readonly #underWay: Sent[] = [];
  #sent = 0;
  /** The commit that the next one has to be behind: a log without it was put back to a backup under this leader. */
  #behind: number | undefined;
  /** How many changes of upkeep were planned so far. */
  #upkept = 0;
  #revision: bigint;
  #running = false;
  #ended: OverlayError | undefined;
  #reportFailure: (error: OverlayError) => void = () => undefined;

  constructor(state: PlannerState, revision: bigint, deps: CommitLoopDeps) {
    this.#state = state;
    this.#revision = revision;
    this.#deps = deps;
    this.#open = this.#newBatch();
    this.failed = new Promise((resolve) => {
      this.#reportFailure = resolve;
    });
  }

  /**
   * Plans a command against the latest state and resolves with its answer when it is durable.
   * @throws OverlayError what the plan throws; `unavailable` if the commit's outcome is unknown or leadership is
   * gone; `aborted` if the commit was refused. Both can be repeated: commands are idempotent.
   */
  submit<T>(plan: (state: PlannerState) => Planned<T>): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: plan, resolve: resolve as (value: unknown) => void, reject });
      // Behind others it waits for the open batch, which is full, to be sent.
      if (this.#queue.length === 1) this.#fill();
      if (this.#running) this.#sendDue();
      else void this.#drain();
    });
  }

  /**
   * Commits the upkeep that is due, as much as one commit holds. Resolves with true if there was any, so that more may
   * be due. Never rejects: a failure is told by {@link failed}.
   */
  async tick(): Promise<boolean> {
    const before = this.#upkept;
    try {
      await this.submit(() => ({ mutations: [], answer: () => undefined }));
      return this.#upkept > before;
    } catch {
      return false;
    }
  }

  /** Ends the loop: leadership is gone. Whoever waits is told to try again. Repeatable. */
  end(reason: OverlayError): void {
    this.#ended ??= reason;
    const waiting = [...this.#open.commands.map((command) => command.waiting), ...this.#queue.splice(0)];
    this.#open = this.#newBatch();
    for (const { reject } of waiting) reject(this.#ended);
  }

  async #drain(): Promise<void> {
    this.#running = true;
    let answer = (): void => undefined;
    for (;;) {
      this.#sendDue();
      setImmediate(answer);
      const next = this.#underWay[0];
      if (next === undefined) break;
      const outcome = await next.outcome;
      this.#underWay.shift();
      const failure = outcome instanceof OverlayError ? outcome : this.#tell(next.batch, outcome);
      if (failure !== undefined) this.#fail(failure, [next, ...this.#underWay.splice(0)]);
      answer = failure === undefined ? this.#answerOf(next.batch) : () => undefined;
    }
    this.#running = false;
  }

  /** Sends what is planned; behind another commit only if more waits than it can hold. */
  #sendDue(): void {
    while (this.#open.commands.length > 0) {
      const isFull = this.#queue.length > 0;
      if (this.#underWay.length >= (isFull ? MAX_UNDER_WAY : 1)) return;
      const batch = this.#open;
      const upkeep = this.#deps.upkeep(this.#state, batch.room);
      this.#upkept += upkeep.length;
      this.#apply(upkeep, batch);
      this.#open = this.#newBatch();
      this.#underWay.push(this.#send(batch));
      // Planning and answering take their time, and the store works meanwhile.
      this.#fill();
    }
  }

  #send(batch: Batch): Sent {
    this.#sent += 1;
    const order = {
      number: this.#sent,
      ...(this.#behind === undefined ? {} : { behind: this.#behind }),
    };
    // A batch that changes nothing leaves nothing in the log to be behind.
    if (batch.mutations.length > 0) this.#behind = this.#sent;
    return { batch, outcome: this.#commit(batch, order) };
  }

  async #commit({ mutations }: Batch, order: CommitOrder): Promise<bigint | OverlayError | undefined> {
    if (mutations.length === 0) return undefined;
    try {
      return await this.#deps.commit(mutations, order);
    } catch (thrown) {
      return retryable(thrown);
    }
  }

  /** Tells of a batch that is durable, unless this loop ended meanwhile. Returns why its commands cannot be answered. */
  #tell({ mutations }: Batch, revision: bigint | undefined): OverlayError | undefined {
    // The cluster may show what another leader did after it.
    if (this.#ended !== undefined) return this.#ended;
    if (revision === undefined) return this.#deps.isOver() ? leadershipOver() : undefined;
    try {
      this.#revision = revision;
      this.#deps.onCommitted(mutations, revision);
      return undefined;
    } catch (thrown) {
      return retryable(thrown);
    }
  }

  /** Answers the commands of a durable batch, as of the revision that the batch led to. */
  #answerOf({ mutations, commands }: Batch): () => void {
    const revision = this.#revision;
    return () => {
      if (mutations.length > 0) this.#deps.onAnswering();
      for (const { end } of commands) end(revision);
    };
  }

  #fail(error: OverlayError, sent: readonly Sent[]): void {
    for (const { waiting } of sent.flatMap(({ batch }) => batch.commands)) waiting.reject(error);
    this.end(error);
    this.#reportFailure(error);
  }

  /** Plans what waits into the open batch, as far as one commit can hold it. */
  #fill(): void {
    const batch = this.#open;
    while (batch.commands.length < MAX_BATCH) {
      const waiting = this.#queue[0];
      if (waiting === undefined) return;
      const planned = this.#plan(waiting);
      const fits = batch.room.take(planned.mutations);
      if (!fits && batch.commands.length > 0) return;
      this.#queue.shift();
      if (fits) this.#apply(planned.mutations, batch);
      batch.commands.push({ end: fits ? planned.end : this.#refusalOf(planned.mutations, waiting), waiting });
    }
  }

  #newBatch(): Batch {
    return { room: new CommitRoom(this.#deps.limits), mutations: [], commands: [] };
  }

  /** Refuses the command that no commit can hold, and nobody else's. */
  #refusalOf(planned: readonly Mutation[], { reject }: Waiting): () => void {
    const message = `${tooLarge(planned, this.#deps.limits)}: ask for less at once`;
    return () => reject(new OverlayError('resource_exhausted', message));
  }

  #apply(planned: readonly Mutation[], batch: Batch): void {
    this.#state.apply(planned, this.#deps.monotonicMs());
    batch.mutations.push(...planned);
  }

  /** Plans without applying. */
  #plan({ run, resolve, reject }: Waiting) {
    try {
      const planned = run(this.#state);
      return {
        mutations: planned.mutations,
        end: (revision: bigint) => resolve(planned.answer(revision)),
      };
    } catch (thrown) {
      const error = toOverlayError(thrown);
      return { mutations: [], end: () => reject(error) };
    }
  }
}

function leadershipOver(): OverlayError {
  return new OverlayError('aborted', 'this master leads no more: retry at the new leader');
}

/** What the callers of a failed commit are told: to repeat it, whatever became of it. */
function retryable(thrown: unknown): OverlayError {
  const error = toOverlayError(thrown);
  if (error.code === 'already_exists') {
    const message = `the log holds a claim that this master did not know (${error.message}): try again`;
    return new OverlayError('aborted', message, { cause: error });
  }
  // What is wrong with a batch is nobody's request.
  if (error.code !== 'internal' && error.code !== 'invalid_argument') return error;
  return new OverlayError('unavailable', `the commit's outcome is unknown: ${error.message}`, {
    cause: error,
  });
}
