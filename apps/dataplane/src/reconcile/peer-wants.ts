import type { NodeId } from '@overlay/model';
import type { HostDescription } from '../desired/host-description.js';
import { PeerClaims } from '../desired/peer-claims.js';
import type { PeerDescription } from '../desired/peer-description.js';
import type { PeerPlanner } from '../desired/plan-peer.js';
import { type PeerRefusal, peerRefusal } from '../desired/refuse-peer.js';
import { type KernelObject, keyOf, type Nexthop } from '../kernel/kernel-object.js';
import type { DeltaTracker } from './delta-tracker.js';

/** A batch of peers: their new content, or undefined for those that are gone. */
export type PeerBatch = ReadonlyMap<NodeId, PeerDescription | undefined>;

/** The peers that the topology names, and what the tracker wants because of them. */
export class PeerWants {
  readonly #tracker: DeltaTracker;
  readonly #peers = new Map<NodeId, PeerDescription>();
  readonly #contradicting = new Map<NodeId, string>();
  /** What the tracker currently wants for each peer. */
  readonly #planned = new Map<NodeId, PeerDescription>();
  #claims = new PeerClaims();
  #basis:
    | { readonly self: NodeId; readonly planner: PeerPlanner; readonly refusalOf: PeerRefusal }
    | undefined;

  constructor(tracker: DeltaTracker) {
    this.#tracker = tracker;
  }

  /** Ids of the nodes that the topology names. */
  ids(): Iterable<NodeId> {
    return this.#peers.keys();
  }

  /** How many peers the topology names, the host with the id `self` not counted. */
  count(self: NodeId | undefined): number {
    return this.#peers.size - (self !== undefined && this.#peers.has(self) ? 1 : 0);
  }

  /** Peers that get nothing in the kernel, and why. */
  refused(): ReadonlyMap<NodeId, string> {
    const conflicts = [...this.#claims.refused].map(([nodeId, { reason }]) => [nodeId, reason] as const);
    return new Map([...this.#contradicting, ...conflicts]);
  }

  /** Up to `count` of the accepted peers, from a place in their order on, which goes round. */
  some(count: number, skip: number): readonly PeerDescription[] {
    const { accepted } = this.#claims;
    const chosen: PeerDescription[] = [];
    let place = accepted.size === 0 ? 0 : -(skip % accepted.size);
    for (const peer of accepted.values()) {
      if (place >= 0) chosen.push(peer);
      place += 1;
      if (chosen.length === count) break;
    }
    return chosen;
  }

  /** The wanted routes through a nexthop. */
  routesThrough({ gateway, id }: Nexthop): readonly KernelObject[] {
    const peer = this.#claims.ofVtep(gateway);
    if (peer === undefined || this.#basis === undefined) return [];
    return this.#basis.planner
      .plan(peer)
      .filter(
        (object) => object.kind === 'route' && object.target.type === 'nexthop' && object.target.id === id,
      );
  }

  /** Takes over a batch; without a basis the peers are only remembered. */
  take(batch: PeerBatch): void {
    for (const [nodeId, peer] of batch) {
      if (peer === undefined) this.#peers.delete(nodeId);
      else this.#peers.set(nodeId, peer);
    }
    this.#plan(batch);
  }

  /** Plans every known peer anew, for a tracker that wants nothing of any peer. */
  rebase(host: HostDescription, planner: PeerPlanner): void {
    this.suspend();
    this.#claims = new PeerClaims();
    this.#contradicting.clear();
    this.#basis = { self: host.nodeId, planner, refusalOf: peerRefusal(host) };
    this.#plan(this.#peers);
  }

  /** Plans nothing until the next {@link rebase}; the peers stay known. */
  suspend(): void {
    this.#basis = undefined;
    this.#planned.clear();
  }

  /** Turns changed peers into changed wants. */
  #plan(batch: PeerBatch): void {
    if (this.#basis === undefined) return;
    const { planner, self, refusalOf } = this.#basis;
    const changed = this.#claims.update(this.#admissible(batch, self, refusalOf));
    const leftover = new Set<string>();
    for (const nodeId of changed) {
      const old = this.#planned.get(nodeId);
      if (old !== undefined) for (const object of planner.plan(old)) leftover.add(keyOf(object));
    }
    // Only now, for one peer may take over what another had.
    for (const nodeId of changed) {
      const now = this.#claims.accepted.get(nodeId);
      if (now === undefined) this.#planned.delete(nodeId);
      else {
        this.#planned.set(nodeId, now);
        for (const object of planner.plan(now)) {
          const key = this.#tracker.want(object);
          if (leftover.size > 0) leftover.delete(key);
        }
      }
    }
    for (const key of leftover) this.#tracker.unwant(key);
  }

  /** The batch with this host, and whoever contradicts it, as gone. */
  #admissible(batch: PeerBatch, self: NodeId, refusalOf: PeerRefusal): PeerBatch {
    const admissible = new Map<NodeId, PeerDescription | undefined>();
    for (const [nodeId, peer] of batch) {
      const reason = peer === undefined || nodeId === self ? undefined : refusalOf(peer);
      if (reason === undefined) this.#contradicting.delete(nodeId);
      else this.#contradicting.set(nodeId, reason);
      admissible.set(nodeId, reason === undefined && nodeId !== self ? peer : undefined);
    }
    return admissible;
  }
}
