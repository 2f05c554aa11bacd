import { toOverlayError } from '@overlay/failure';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentState } from '../agent-state.js';
import { stayingNetworks } from '../configuration/deleted-networks.js';
import { cniFilesDiffer } from '../configuration/host-cni-files.js';
import { planContainers } from '../report/plan-containers.js';
import { hasRecovered } from './has-recovered.js';
import { lostPools, planGivenPools } from './lost-pools.js';

/**
 * Keeps the state's picture of the daemons current, until the signal aborts: each heartbeat and whenever asked.
 * A daemon that is away leaves its last picture standing, marked as silent after a while where it tells of addresses. A
 * dataplane that answers without a host description has started anew and is configured again, as is the host when a
 * network that had failed is well, or when somebody took a network's pool out of overlay-ipam or removed its CNI files.
 */
export async function pollDaemons(deps: LoopDeps, state: AgentState, signal: AbortSignal): Promise<void> {
  await Promise.all([askDaemons(deps, state, signal), watchCniFiles(deps, state, signal)]);
}

async function askDaemons(deps: LoopDeps, state: AgentState, signal: AbortSignal): Promise<void> {
  const { clock, config, timings } = deps;
  let heardMs = clock.monotonicMs();
  while (!signal.aborted) {
    const seen = state.poll.count;
    await pollDataplane(deps, state, signal);
    if (config.network.allocateSubnet) {
      if (await pollIpam(deps, state, signal)) heardMs = clock.monotonicMs();
      else if (clock.monotonicMs() - heardMs >= timings.silentAfterMs) state.setUsageSilent();
    }
    await state.poll.within(seen, config.heartbeatMs, clock, signal);
  }
}

async function pollDataplane(deps: LoopDeps, state: AgentState, signal: AbortSignal): Promise<void> {
  try {
    const status = await deps.ports.dataplane.getStatus(signal);
    const recovered = hasRecovered(state.dataplane, status);
    state.setDataplane(status);
    if (recovered || (!status.configured && state.hostApplied.count > 0)) state.reconfigure.raise();
  } catch (thrown) {
    deps.logger.debug({ event: 'dataplane_status_failed', reason: toOverlayError(thrown).message });
  }
}

/** Each heartbeat only: the daemons are also asked with every container that starts. */
async function watchCniFiles(deps: LoopDeps, state: AgentState, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await lookAtCniFiles(deps, state);
    await deps.clock.sleep(deps.config.heartbeatMs, signal);
  }
}

async function lookAtCniFiles({ config, ports, logger }: LoopDeps, state: AgentState): Promise<void> {
  const { registration, progress } = state;
  if (registration === undefined) return;
  const configured = stayingNetworks(registration).filter(
    ({ networkId }) => progress.get(networkId)?.kind === 'configured',
  );
  try {
    if (!(await cniFilesDiffer(configured, config, ports))) return;
    logger.warn({
      event: 'cni_files_changed',
      reason: 'somebody changed them, or the port mapper came or went',
    });
    state.reconfigure.raise();
  } catch (thrown) {
    logger.debug({ event: 'cni_files_unreadable', reason: toOverlayError(thrown).message });
  }
}

/** @returns whether overlay-ipam answered. */
async function pollIpam(deps: LoopDeps, state: AgentState, signal: AbortSignal): Promise<boolean> {
  const givenPools = () => planGivenPools(state.registration, state.progress, deps.config.network);
  const before = givenPools();
  try {
    const allocations = await deps.ports.ipam.listAllocations(signal);
    const capacities = await deps.ports.ipam.getCapacity(signal);
    state.setUsage(planContainers(allocations), capacities);
    const networks = lostPools({ before, after: givenPools() }, capacities);
    if (networks.length > 0) {
      deps.logger.warn({ event: 'pools_lost', networks, reason: 'somebody else configured overlay-ipam' });
      state.reconfigure.raise();
    }
    return true;
  } catch (thrown) {
    deps.logger.debug({ event: 'ipam_usage_failed', reason: toOverlayError(thrown).message });
    return false;
  }
}
