import { OverlayError, toOverlayError } from '@overlay/failure';
import { checkUnderlayIp } from '@overlay/model';
import type { RunningProcess } from '@overlay/service';
import type { AgentDeps, LoopDeps } from './agent-deps.js';
import { declareMetrics } from './agent-metrics.js';
import { AgentState } from './agent-state.js';
import { configureHost } from './configuration/configure-host.js';
import { pollDaemons } from './daemons/poll-daemons.js';
import { watchIpam } from './daemons/watch-ipam.js';
import { followDocker } from './docker/follow-docker.js';
import { watchDocker } from './docker/watch-docker.js';
import { startAgentHttp } from './face/agent-http.js';
import { startAgentService } from './face/agent-service.js';
import { loadNodeId } from './identity/node-id-file.js';
import { Prober } from './probe/prober.js';
import { AssignmentFile } from './registration/assignment-file.js';
import { followMasters } from './registration/follow-masters.js';
import { feedDataplane } from './topology/feed-dataplane.js';
import { TopologyStore } from './topology/topology-store.js';

const CLOSE_GRACE_MS = 1_000;

/**
 * Runs the host's side of the conversation with the masters. What the last process stored is in force at once,
 * before any master is reached; then the agent registers, configures, reports and follows the topology until it
 * is closed. Closing leaves the host as it is.
 * @throws OverlayError if the host cannot take part: no address that others reach it by, an unreadable node id,
 * a listener that is taken.
 */
export async function runAgent(deps: AgentDeps): Promise<RunningProcess> {
  const { config, logger, metrics, readiness, ports } = deps;
  checkUnderlayAddress(deps);
  const nodeId = await loadNodeId(config.stateDir, deps.newNodeId);
  await ports.mesosFiles.removeInterruptedWrites();
  await ports.conflists.removeInterruptedWrites();
  const state = new AgentState(config.network, config.pool);
  const file = new AssignmentFile(config.stateDir);
  await restore(deps, file, nodeId, state);
  const store = new TopologyStore(config.stateDir);
  blockUntilKnown(deps, state, store);
  const agentMetrics = declareMetrics(metrics, state, store);
  const loop: LoopDeps = { ...deps, nodeId };
  const http = await startAgentHttp({
    address: config.listen.http,
    tls: config.tls,
    configuredIp: config.ip,
    state,
    logger,
    metrics,
    readiness,
  });
  const prober = new Prober({
    containers: () => state.containers,
    stranded: () => state.stranded,
    ...(config.probeCommands ? { commands: ports.commands } : {}),
    clock: deps.clock,
  });
  const service = await startAgentService({
    address: config.listen.grpc,
    tls: config.tls,
    state,
    prober,
    logger,
  });
  const stopped = new AbortController();
  const { signal } = stopped;
  const loops = [
    configureHost(loop, state, agentMetrics, signal),
    feedDataplane(loop, state, store, signal),
    pollDaemons(loop, state, signal),
    watchIpam(loop, state, signal),
    followDocker(loop, state, agentMetrics, signal),
    watchDocker(loop, state, signal),
    followMasters({ loop, state, metrics: agentMetrics, store, file, prober }, signal),
  ];
  return {
    failed: firstFailure(loops),
    async close() {
      stopped.abort();
      await Promise.allSettled(loops);
      await service.close(CLOSE_GRACE_MS);
      await http.close();
      ports.dataplane.close();
      ports.ipam.close();
      await store.close();
    },
  };
}

function checkUnderlayAddress({ config }: AgentDeps): void {
  const violations = checkUnderlayIp(config.masters, config.ip);
  if (violations.length > 0) throw OverlayError.invalid(violations);
}

/** Puts the stored assignment in force. One that is damaged, or another node's, is told and left to the masters. */
async function restore(
  { logger }: AgentDeps,
  file: AssignmentFile,
  nodeId: string,
  state: AgentState,
): Promise<void> {
  try {
    const stored = await file.read();
    if (stored === undefined) return;
    const owner = stored.assignment?.nodeId;
    if (owner === nodeId) {
      state.setRegistration(stored);
      logger.info({ event: 'assignment_restored', path: file.path });
      return;
    }
    logger.warn({ event: 'assignment_of_another_node', path: file.path, owner });
  } catch (thrown) {
    logger.error({ event: 'assignment_unreadable', reason: toOverlayError(thrown).message });
  }
}

function blockUntilKnown({ config, readiness }: AgentDeps, state: AgentState, store: TopologyStore): void {
  const { dataplane, ipam } = config.sockets;
  if (state.registration === undefined) readiness.block('registration', 'no master has answered yet');
  if (store.revision === undefined) readiness.block('topology', 'no topology has been received yet');
  readiness.block('dataplane', `overlay-dataplane on ${dataplane} has no host description yet`);
  if (config.network.allocateSubnet) readiness.block('ipam', `overlay-ipam on ${ipam} has no pools yet`);
}

/** Loops end only when they are told to: one that fails is a fault of the program, which ends the process. */
function firstFailure(loops: readonly Promise<void>[]): Promise<OverlayError> {
  return new Promise((resolve) => {
    for (const loop of loops) loop.catch((thrown: unknown) => resolve(toOverlayError(thrown)));
  });
}
