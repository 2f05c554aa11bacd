import { type TopologyChange, type TopologyFrame, TopologyFrameKind } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { TopologyStore } from './topology-store.js';

/**
 * What a frame led to. `diverged`: the revision went back without a snapshot, so that the stream belongs to
 * another log than the store; nothing was stored, and the next stream has to start from 0.
 */
export type IntakeOutcome = 'stored' | 'synced' | 'diverged';

/**
 * Takes the frames of one topology stream into the store. A snapshot is held back until its synced mark, so
 * that half a snapshot, from a master that died in the middle, never removes a peer.
 */
export class TopologyIntake {
  readonly #store: TopologyStore;
  #snapshot: TopologyChange[] | undefined;

  /** @param fromRevision what the stream was asked to resume from; 0 for a snapshot */
  constructor(store: TopologyStore, fromRevision: bigint) {
    this.#store = store;
    this.#snapshot = fromRevision === 0n ? [] : undefined;
  }

  /**
   * Takes a frame; resolves once its changes are stored or, within a snapshot, held back.
   * @throws OverlayError `invalid_argument` for a kind of frame that this release does not know.
   */
  async accept(frame: TopologyFrame): Promise<IntakeOutcome> {
    switch (frame.kind) {
      case TopologyFrameKind.SNAPSHOT:
        this.#snapshot ??= [];
        append(this.#snapshot, frame.changes);
        return 'stored';
      case TopologyFrameKind.DELTA:
        if (this.#snapshot === undefined) return this.#advance(frame, 'stored');
        append(this.#snapshot, frame.changes);
        return 'stored';
      case TopologyFrameKind.SYNCED:
        if (this.#snapshot === undefined) return this.#advance(frame, 'synced');
        append(this.#snapshot, frame.changes);
        await this.#store.replace(this.#snapshot, frame.revision, frame.term);
        this.#snapshot = undefined;
        return 'synced';
      default:
        throw new OverlayError('invalid_argument', `a topology frame of the unknown kind ${frame.kind}`);
    }
  }

  async #advance(frame: TopologyFrame, outcome: IntakeOutcome): Promise<IntakeOutcome> {
    const stored = this.#store.revision ?? 0n;
    if (frame.revision < stored) return 'diverged';
    if (frame.changes.length > 0 || frame.revision > stored || frame.term !== this.#store.term) {
      await this.#store.applyDelta(frame.changes, frame.revision, frame.term);
    }
    return outcome;
  }
}

function append(changes: TopologyChange[], more: readonly TopologyChange[]): void {
  for (const change of more) changes.push(change);
}
