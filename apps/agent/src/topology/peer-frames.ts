import { type TopologyChange, type TopologyFrame, TopologyFrameKind } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { topologyParts } from '@overlay/rpc';
import { ChangeSignal } from '../change-signal.js';
import type { TopologyStore, TopologyUpdate } from './topology-store.js';

const CHANGES_PER_FRAME = 500;

/** Changes that may wait for a slow reader; beyond, a new snapshot costs less memory than the backlog. */
const MAX_BACKLOG = 50_000;

/**
 * The stored topology as a stream in WatchTopology's shape: the whole content as a snapshot, its synced mark,
 * then each commit as a delta. Ends when the signal aborts.
 * @throws OverlayError `resource_exhausted` if the reader falls too far behind; start again.
 */
export async function* watchPeerFrames(
  store: TopologyStore,
  signal: AbortSignal,
): AsyncIterable<TopologyFrame> {
  const backlog: TopologyUpdate[] = [];
  const arrived = new ChangeSignal();
  let waiting = 0;
  // Following starts before the snapshot is read: a commit in between comes twice rather than never, and a
  // change says how a thing is, not what happened to it.
  const stop = store.follow((update) => {
    waiting += update.changes.length;
    if (waiting > MAX_BACKLOG) backlog.length = 0;
    else backlog.push(update);
    arrived.raise();
  });
  try {
    yield* snapshotFrames(store);
    while (!signal.aborted) {
      const seen = arrived.count;
      if (waiting > MAX_BACKLOG) {
        throw new OverlayError(
          'resource_exhausted',
          `${waiting} topology changes wait for overlay-dataplane`,
        );
      }
      const update = backlog.shift();
      if (update === undefined) {
        await arrived.after(seen, signal);
        continue;
      }
      waiting -= update.changes.length;
      yield* framesOf(TopologyFrameKind.DELTA, update.changes, update.revision);
    }
  } finally {
    stop();
  }
}

function* snapshotFrames(store: TopologyStore): Iterable<TopologyFrame> {
  const revision = store.revision ?? 0n;
  yield* framesOf(TopologyFrameKind.SNAPSHOT, store.entries(), revision);
  yield { kind: TopologyFrameKind.SYNCED, revision, changes: [] };
}

function* framesOf(
  kind: TopologyFrameKind,
  changes: Iterable<TopologyChange>,
  revision: bigint,
): Iterable<TopologyFrame> {
  for (const part of topologyParts(changes, CHANGES_PER_FRAME)) yield { kind, revision, changes: part };
}
