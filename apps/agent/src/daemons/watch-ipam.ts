import { toOverlayError } from '@overlay/failure';
import { backoffMs } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentState } from '../agent-state.js';

/**
 * Follows overlay-ipam, until the signal aborts: usage is polled whenever it changes, and when the daemon goes
 * the host is configured again, which waits for it and gives it its pools. Does nothing on a gateway.
 */
export async function watchIpam(deps: LoopDeps, state: AgentState, signal: AbortSignal): Promise<void> {
  const { clock, config, logger, ports, random, timings } = deps;
  if (!config.network.allocateSubnet) return;
  let tries = 0;
  while (!signal.aborted) {
    let reached = false;
    let reason = 'the stream was closed';
    try {
      for await (const _changed of ports.ipam.watchUsage(signal)) {
        reached = true;
        tries = 0;
        state.poll.raise();
      }
    } catch (thrown) {
      const error = toOverlayError(thrown);
      if (error.code === 'unimplemented') return;
      reason = error.message;
    }
    if (signal.aborted) return;
    if (reached) {
      logger.warn({ event: 'ipam_lost', socket: ports.ipam.socket, reason });
      state.reconfigure.raise();
    }
    await clock.sleep(backoffMs(tries, timings.away, random), signal);
    tries += 1;
  }
}
