import { toOverlayError } from '@overlay/failure';
import { backoffMs } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentState } from '../agent-state.js';
import { usesDocker } from './docker-half.js';

/**
 * Follows the events of Docker, until the signal aborts: Docker is looked at again whenever its networks or
 * containers changed, when it went and when it is back. Does nothing on a host that does not use Docker.
 */
export async function watchDocker(deps: LoopDeps, state: AgentState, signal: AbortSignal): Promise<void> {
  const { clock, config, logger, ports, random, timings } = deps;
  if (!usesDocker(config.network)) return;
  let tries = 0;
  while (!signal.aborted) {
    let reached = false;
    try {
      for await (const _changed of ports.docker.watchChanges(signal)) {
        reached = true;
        tries = 0;
        state.dockerDue.raise();
      }
    } catch (thrown) {
      logger.debug({ event: 'docker_events_failed', reason: toOverlayError(thrown).message });
    }
    if (signal.aborted) return;
    if (reached) state.dockerDue.raise();
    await clock.sleep(backoffMs(tries, timings.local, random), signal);
    tries += 1;
  }
}
