import type { AnswerProbeRequest, ProbeContainerResponse, WatchProbesResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { NodeId } from '@overlay/model';
import { errorOfStatusMessage } from '@overlay/rpc';
import type { Clock } from '@overlay/service';

/** What came of a probe, as an agent tells it. */
export type ProbeOutcome = AnswerProbeRequest['outcome'];

/** A probe for an agent. */
export interface ProbeOrder {
  readonly probe: NonNullable<WatchProbesResponse['probe']>;
  /** How long the agent's answer is waited for. */
  readonly waitMs: number;
  /** Aborts when nobody wants the answer any more. */
  readonly signal: AbortSignal;
}

/** Probes that one agent may have open; more are refused. */
const MAX_OPEN = 256;

/**
 * Hands probes to the agents and their answers back. Agents need no listener for it: each keeps a stream of orders
 * open to the leader, and answers by calls of its own.
 */
export class ProbeExchange {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #channels = new Map<NodeId, Channel>();
  #probes = 0;

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  /**
   * The orders for a node, until the signal aborts or the node opens another stream. What it has not answered by
   * then fails.
   * @param secure whether a certificate vouches for the agent
   */
  async *orders(node: NodeId, secure: boolean, signal: AbortSignal): AsyncGenerator<WatchProbesResponse> {
    this.#channels.get(node)?.close();
    const channel = new Channel(secure);
    this.#channels.set(node, channel);
    const close = () => channel.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    try {
      yield* channel.orders();
    } finally {
      signal.removeEventListener('abort', close);
      channel.close();
      if (this.#channels.get(node) === channel) this.#channels.delete(node);
    }
  }

  /**
   * Has a node run a probe.
   * @throws OverlayError `unavailable` if the node is not connected or goes meanwhile; `permission_denied` for a
   * command over a connection without certificates; `resource_exhausted`; `deadline_exceeded`; and whatever the
   * agent failed with.
   */
  async probe(node: NodeId, { probe, waitMs, signal }: ProbeOrder): Promise<ProbeContainerResponse> {
    const channel = this.#channels.get(node);
    if (channel === undefined) {
      throw new OverlayError('unavailable', `the agent of node ${node} is not connected to this master`);
    }
    if (probe.probe?.$case === 'command' && !channel.secure) {
      const message = `the agent of node ${node} is connected without certificates, over which no command is sent`;
      throw new OverlayError('permission_denied', message);
    }
    this.#probes += 1;
    const over = new AbortController();
    const leave = () => over.abort();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    this.#clock.sleep(waitMs, over.signal).then(leave, leave);
    try {
      return await channel.ask({ probeId: `${this.#probes}`, probe }, over.signal);
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  /** Takes an answer; one that nobody waits for is dropped. */
  answer(node: NodeId, probeId: string, outcome: ProbeOutcome): void {
    this.#channels.get(node)?.answer(probeId, outcome);
  }
}

interface Waiter {
  readonly resolve: (result: ProbeContainerResponse) => void;
  readonly reject: (error: OverlayError) => void;
}

/** One agent's stream of orders and those of them that are not answered. */
class Channel {
  readonly secure: boolean;
  readonly #waiters = new Map<string, Waiter>();
  #queue: WatchProbesResponse[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(secure: boolean) {
    this.secure = secure;
  }

  async *orders(): AsyncGenerator<WatchProbesResponse> {
    while (!this.#closed) {
      const orders = this.#queue;
      this.#queue = [];
      // Whoever asked may have left since.
      for (const order of orders) if (this.#waiters.has(order.probeId)) yield order;
      if (this.#queue.length > 0 || this.#closed) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async ask(order: WatchProbesResponse, over: AbortSignal): Promise<ProbeContainerResponse> {
    if (this.#waiters.size >= MAX_OPEN) {
      const message = `${MAX_OPEN} probes are open on this agent already: try again later`;
      throw new OverlayError('resource_exhausted', message);
    }
    const giveUp = () => {
      const error = new OverlayError('deadline_exceeded', 'the agent did not answer in time');
      this.#take(order.probeId)?.reject(error);
      this.#queue = this.#queue.filter((waiting) => waiting !== order);
    };
    over.addEventListener('abort', giveUp, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#waiters.set(order.probeId, { resolve, reject });
        this.#queue.push(order);
        this.#wake();
        if (over.aborted) giveUp();
      });
    } finally {
      over.removeEventListener('abort', giveUp);
    }
  }

  answer(probeId: string, outcome: ProbeOutcome): void {
    const waiter = this.#take(probeId);
    if (outcome?.$case === 'result') waiter?.resolve(outcome.value);
    else waiter?.reject(failureOf(outcome));
  }

  /** Fails what is open. Repeatable. */
  close(): void {
    this.#closed = true;
    this.#wake();
    for (const { reject } of this.#waiters.values()) {
      reject(new OverlayError('unavailable', 'the agent went away before it answered: try again'));
    }
    this.#waiters.clear();
  }

  #take(probeId: string): Waiter | undefined {
    const waiter = this.#waiters.get(probeId);
    this.#waiters.delete(probeId);
    return waiter;
  }
}

function failureOf(outcome: ProbeOutcome): OverlayError {
  if (outcome?.$case !== 'failure') {
    return new OverlayError('internal', 'the agent answered neither a result nor a failure');
  }
  const error = errorOfStatusMessage(outcome.value);
  if (error.violations.length === 0) return error;
  // The agent names fields of the probe, which is one field of what the master was asked.
  const violations = error.violations.map((violation) => ({
    ...violation,
    field: `probe.${violation.field}`,
  }));
  return OverlayError.invalid(violations);
}
