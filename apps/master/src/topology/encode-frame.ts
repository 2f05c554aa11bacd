import {
  type TopologyChange,
  type TopologyFrame,
  TopologyFrameKind,
  WatchTopologyResponse,
} from '@overlay/contracts';
import { topologyParts } from '@overlay/rpc';

/** A frame ready to be sent to any number of watchers. */
export type EncodedFrame = Buffer;

/** Changes per frame at most, so that encoding one takes no longer than a few milliseconds. */
const CHANGES_PER_FRAME = 1_000;

/** Encodes one frame of the topology stream. */
export function encodeFrame(
  kind: TopologyFrame['kind'],
  revision: bigint,
  changes: readonly TopologyChange[],
  stale = '',
): EncodedFrame {
  const frame = { kind, revision, changes: [...changes] };
  return Buffer.from(WatchTopologyResponse.encode({ frame, stale }).finish());
}

/**
 * Encodes the mark after which a watcher knows everything up to the revision.
 * @param stale why the revision may not be the newest; '' if it is.
 */
export function encodeSynced(revision: bigint, stale: string): EncodedFrame {
  return encodeFrame(TopologyFrameKind.SYNCED, revision, [], stale);
}

/** Encodes changes as parts of a snapshot, each small enough to send. */
export function* encodeSnapshot(
  revision: bigint,
  changes: Iterable<TopologyChange>,
): Generator<EncodedFrame> {
  for (const part of topologyParts(changes, CHANGES_PER_FRAME))
    yield encodeFrame(TopologyFrameKind.SNAPSHOT, revision, part);
}

/**
 * Encodes changes as deltas, each small enough to send. Only the last carries the revision that all of them lead
 * to: a watcher that loses its stream between two of them must get them again.
 */
export function* encodeDeltas(
  before: bigint,
  revision: bigint,
  changes: readonly TopologyChange[],
): Generator<EncodedFrame> {
  const parts = [...topologyParts(changes, CHANGES_PER_FRAME)];
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    yield encodeFrame(TopologyFrameKind.DELTA, last ? revision : before, part);
  }
}
