import { toOverlayError } from '@overlay/failure';
import { backoffMs } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentState } from '../agent-state.js';
import { watchPeerFrames } from './peer-frames.js';
import type { TopologyStore } from './topology-store.js';

/** A stream that lived this long broke for a new reason: waiting starts at its shortest again. */
const HEALTHY_STREAM_MS = 10_000;

/**
 * Keeps the dataplane's peers those of the store, until the signal aborts. A stream is opened once the dataplane
 * has its host description and a complete topology is stored: an empty snapshot would remove every peer of a
 * host whose store was lost. A stream that breaks means a dataplane that started anew: the host is configured
 * again, then a new stream sends the whole snapshot.
 */
export async function feedDataplane(
  deps: LoopDeps,
  state: AgentState,
  store: TopologyStore,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger, ports, readiness, timings, random } = deps;
  let appliedBefore = 0;
  let breaks = 0;
  while (!signal.aborted) {
    await state.hostApplied.after(appliedBefore, signal);
    await firstTopology(store, signal);
    if (signal.aborted) return;
    const startedMs = clock.monotonicMs();
    const ended = new AbortController();
    const end = () => ended.abort();
    signal.addEventListener('abort', end, { once: true });
    let reason = 'the stream was closed';
    try {
      await ports.dataplane.applyPeers(watchPeerFrames(store, ended.signal), ended.signal);
    } catch (thrown) {
      reason = toOverlayError(thrown).message;
    } finally {
      end();
      signal.removeEventListener('abort', end);
    }
    if (signal.aborted) return;
    logger.warn({ event: 'dataplane_stream_broken', socket: ports.dataplane.socket, reason });
    readiness.block('dataplane', `the peer stream to ${ports.dataplane.socket} broke: ${reason}`);
    breaks = clock.monotonicMs() - startedMs > HEALTHY_STREAM_MS ? 0 : breaks + 1;
    await clock.sleep(backoffMs(breaks, timings.local, random), signal);
    appliedBefore = state.hostApplied.count;
    state.reconfigure.raise();
  }
}

async function firstTopology(store: TopologyStore, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const seen = store.changed.count;
    if (store.revision !== undefined) return;
    await store.changed.after(seen, signal);
  }
}
