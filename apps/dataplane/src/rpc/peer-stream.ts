import { type TopologyChange, type TopologyFrame, TopologyFrameKind } from '@overlay/contracts';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { type NodeId, parseNodeId } from '@overlay/model';
import type { PeerDescription } from '../desired/peer-description.js';
import { parsePeer } from './parse-peer.js';

/** What one frame asks for. */
export interface FrameStep {
  /** The peers that the frame names: as they are now, or undefined for those that are gone. */
  readonly peers: ReadonlyMap<NodeId, PeerDescription | undefined>;
  /** The nodes of the snapshot that this frame finishes; everybody else is gone. Undefined if it finishes none. */
  readonly snapshot: ReadonlySet<NodeId> | undefined;
  /** The revision that the kernel has once the step is applied; undefined within a snapshot. */
  readonly revision: bigint | undefined;
}

/**
 * Reads the frames of one topology stream in order. Networks and the address space travel with the description of
 * the host and are passed over here.
 */
export class PeerStream {
  #snapshot: Set<NodeId> | undefined;
  #started = false;

  /**
   * @throws OverlayError `invalid_argument` for a frame that cannot be read, `failed_precondition` for a stream that
   * does not start with a snapshot. The frame then has no effect.
   */
  next(frame: TopologyFrame | undefined): FrameStep {
    if (frame === undefined) throw violation('frame', 'is missing');
    const peers = new Map(frame.changes.flatMap(stepOf));
    switch (frame.kind) {
      case TopologyFrameKind.SNAPSHOT: {
        this.#started = true;
        this.#snapshot ??= new Set();
        for (const [nodeId, peer] of peers) {
          if (peer === undefined) this.#snapshot.delete(nodeId);
          else this.#snapshot.add(nodeId);
        }
        return { peers, snapshot: undefined, revision: undefined };
      }
      case TopologyFrameKind.SYNCED: {
        // A stream starts with a snapshot, so a mark at its start finishes one that named nobody.
        const snapshot = this.#started ? this.#snapshot : new Set<NodeId>();
        this.#started = true;
        this.#snapshot = undefined;
        return { peers, snapshot: snapshot && addAll(snapshot, peers), revision: frame.revision };
      }
      case TopologyFrameKind.DELTA:
        if (!this.#started)
          throw new OverlayError('failed_precondition', 'a topology stream starts with a snapshot');
        if (this.#snapshot !== undefined)
          throw new OverlayError(
            'failed_precondition',
            'a snapshot ends with a synced mark before deltas follow',
          );
        return { peers, snapshot: undefined, revision: frame.revision };
      default:
        throw violation('frame.kind', `${frame.kind} is unknown`);
    }
  }
}

function violation(field: string, description: string): OverlayError {
  return OverlayError.invalid([{ field, description }]);
}

function addAll(
  snapshot: Set<NodeId>,
  peers: ReadonlyMap<NodeId, PeerDescription | undefined>,
): ReadonlySet<NodeId> {
  for (const [nodeId, peer] of peers) if (peer !== undefined) snapshot.add(nodeId);
  return snapshot;
}

/** @throws OverlayError `invalid_argument` that names the fields as of the request that carries the frame. */
function stepOf(
  { change }: TopologyChange,
  index: number,
): readonly (readonly [NodeId, PeerDescription | undefined])[] {
  try {
    if (change?.$case === 'peer') {
      const peer = parsePeer(change.value);
      return [[peer.nodeId, peer]];
    }
    return change?.$case === 'removedNodeId' ? [[parseRemovedNodeId(change.value), undefined]] : [];
  } catch (thrown) {
    const { violations } = toOverlayError(thrown);
    if (violations.length === 0) throw thrown;
    throw OverlayError.invalid(
      violations.map((each) => ({ ...each, field: `frame.changes[${index}].${each.field}` })),
    );
  }
}

function parseRemovedNodeId(text: string): NodeId {
  try {
    return parseNodeId(text);
  } catch (thrown) {
    throw violation('removed_node_id', toOverlayError(thrown).message);
  }
}
