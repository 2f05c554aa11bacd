import {
  type TopologyChange,
  type TopologyFrame,
  TopologyFrameKind,
  WatchTopologyResponse,
} from '@overlay/contracts';
import type { LogPosition } from '@overlay/overlay-log';
import { topologyParts } from '@overlay/rpc';

/** A frame ready to be sent to any number of watchers. */
export type EncodedFrame = Buffer;

/** Changes per frame at most, so that encoding one takes no longer than a few milliseconds. */
const CHANGES_PER_FRAME = 1_000;

/** Encodes one frame of the topology stream. The position's term is sent as it is, unless it is ''. */
function encodeFrame(
  kind: TopologyFrame['kind'],
  { revision, term }: LogPosition,
  changes: readonly TopologyChange[],
  stale = '',
): EncodedFrame {
  const frame = { kind, revision, changes: [...changes], term: term === '' ? undefined : term };
  return Buffer.from(WatchTopologyResponse.encode({ frame, stale }).finish());
}

/**
 * Encodes the mark after which a watcher knows everything up to the position.
 * @param stale why the position may not be the newest; '' if it is.
 */
export function encodeSynced(position: LogPosition, stale: string): EncodedFrame {
  return encodeFrame(TopologyFrameKind.SYNCED, position, [], stale);
}

/** Encodes changes as parts of a snapshot, each small enough to send. */
export function* encodeSnapshot(
  position: LogPosition,
  changes: Iterable<TopologyChange>,
): Generator<EncodedFrame> {
  for (const part of topologyParts(changes, CHANGES_PER_FRAME))
    yield encodeFrame(TopologyFrameKind.SNAPSHOT, position, part);
}

/**
 * Encodes changes as deltas, each small enough to send. Only the last carries the position that all of them lead
 * to: a watcher that loses its stream between two of them must get them again.
 */
export function* encodeDeltas(
  before: LogPosition,
  position: LogPosition,
  changes: readonly TopologyChange[],
): Generator<EncodedFrame> {
  const parts = [...topologyParts(changes, CHANGES_PER_FRAME)];
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    yield encodeFrame(TopologyFrameKind.DELTA, last ? position : before, part);
  }
}
