import {
  type TopologyChange,
  type TopologyFrame,
  TopologyFrameKind,
  WatchTopologyResponse,
} from '@overlay/contracts';

/** A frame ready to be sent to any number of watchers. */
export type EncodedFrame = Buffer;

/** Changes per frame: about 200 bytes each, so that a frame stays far below 1 MiB. */
export const CHANGES_PER_FRAME = 1_000;

/** Encodes one frame of the topology stream. */
export function encodeFrame(
  kind: TopologyFrame['kind'],
  revision: bigint,
  changes: readonly TopologyChange[],
): EncodedFrame {
  const frame = { kind, revision, changes: [...changes] };
  return Buffer.from(WatchTopologyResponse.encode({ frame }).finish());
}

/** Encodes the mark after which a watcher knows everything up to the revision. */
export function encodeSynced(revision: bigint): EncodedFrame {
  return encodeFrame(TopologyFrameKind.SYNCED, revision, []);
}

/** Encodes changes as frames of one kind, each small enough to send. */
export function* encodeChanges(
  kind: TopologyFrame['kind'],
  revision: bigint,
  changes: Iterable<TopologyChange>,
): Generator<EncodedFrame> {
  let pending: TopologyChange[] = [];
  for (const change of changes) {
    pending.push(change);
    if (pending.length === CHANGES_PER_FRAME) {
      yield encodeFrame(kind, revision, pending);
      pending = [];
    }
  }
  if (pending.length > 0) yield encodeFrame(kind, revision, pending);
}
