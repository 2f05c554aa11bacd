import type { NodeId } from '@overlay/model';

/** For how long after a change of leader every recorded agent counts as connected. */
export const GRACE_AFTER_LEADER_CHANGE_MS = 60_000;

/**
 * Which nodes are connected, and since when the others are away. Connected are those with an open topology stream, and
 * for a while after a change of leader all that were recorded then and did not open and close a stream since.
 */
export class Connections {
  readonly #open = new Map<NodeId, number>();
  readonly #monotonicMs: () => number;
  /** When the last stream of each node that has none ended. */
  readonly #leftMs = new Map<NodeId, number>();
  /** Which process of each node registered last. */
  readonly #sessions = new Map<NodeId, string>();
  #unseen = new Set<NodeId>();
  #ledSinceMs = 0;
  #graceEndsMs = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** This master leads from now on: the recorded nodes get time to come to it. */
  beginGrace(recorded: Iterable<NodeId>): void {
    this.#unseen = new Set(recorded);
    this.#ledSinceMs = this.#monotonicMs();
    this.#graceEndsMs = this.#ledSinceMs + GRACE_AFTER_LEADER_CHANGE_MS;
  }

  /** Notes an opened stream; the returned function notes its end, once. */
  open(id: NodeId): () => void {
    this.#unseen.delete(id);
    this.#leftMs.delete(id);
    this.#open.set(id, (this.#open.get(id) ?? 0) + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const left = (this.#open.get(id) ?? 1) - 1;
      if (left > 0) {
        this.#open.set(id, left);
        return;
      }
      this.#open.delete(id);
      this.#leftMs.set(id, this.#monotonicMs());
    };
  }

  /** For how long the node has been away, in milliseconds, as far as this leader knows; 0 while it is connected. */
  awayMs(id: NodeId): number {
    if (this.isConnected(id)) return 0;
    const left = this.#leftMs.get(id);
    return this.#monotonicMs() - Math.max(left ?? this.#ledSinceMs, this.#ledSinceMs);
  }

  /** Notes that the node is there, with or without a stream: it is away from now on at the earliest. */
  noteSeen(id: NodeId): void {
    if (!this.#open.has(id)) this.#leftMs.set(id, this.#monotonicMs());
  }

  /** Notes which process of the node registered last; '' if it does not say. */
  noteSession(id: NodeId, session: string): void {
    this.#sessions.set(id, session);
  }

  /** True if the process registered last for the node, so that a stream that still looks open is its own. */
  isOwnSession(id: NodeId, session: string): boolean {
    return session !== '' && this.#sessions.get(id) === session;
  }

  /** Forgets a node that was deleted. Repeatable. */
  forget(id: NodeId): void {
    this.#sessions.delete(id);
    this.#leftMs.delete(id);
    this.#unseen.delete(id);
  }

  /** True while a stream of the node is open. */
  isStreaming(id: NodeId): boolean {
    return this.#open.has(id);
  }

  /** True if the node has to be taken for connected. */
  isConnected(id: NodeId): boolean {
    if (this.#open.has(id)) return true;
    if (this.#unseen.size > 0 && this.#monotonicMs() >= this.#graceEndsMs) this.#unseen.clear();
    return this.#unseen.has(id);
  }

  /** Number of nodes with an open stream. */
  get streaming(): number {
    return this.#open.size;
  }
}
