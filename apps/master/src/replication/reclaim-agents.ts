import { toOverlayError } from '@overlay/failure';
import type { NodeId, NodeRecord } from '@overlay/model';
import type { Cluster } from '../cluster/cluster.js';
import { planAgentDeletion } from '../cluster/plan-agent-deletion.js';
import type { ReplicaDeps } from './replica-deps.js';

/**
 * Deletes the agents that are away for too long, if the operator wants that, until the signal aborts: the term is over.
 * Whether one is still away is asked once more when its deletion is planned. A failure is told in the log.
 */
export async function reclaimAgents(
  deps: Pick<ReplicaDeps, 'cluster' | 'reclaimAfterMs' | 'logger'>,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, reclaimAfterMs: afterMs, logger } = deps;
  if (afterMs === undefined) return;
  const isAway = (id: NodeId) => cluster.connections.awayMs(id) > afterMs;
  const away = [...cluster.records.nodes.keys()].filter(isAway);
  for (const nodeId of away) {
    if (signal.aborted) return;
    try {
      for (const { ip } of await deleteIf(cluster, nodeId, isAway)) {
        logger.warn({ event: 'agent_reclaimed', nodeId, ip, afterMs });
      }
    } catch (thrown) {
      logger.warn({ event: 'agent_not_reclaimed', nodeId, reason: toOverlayError(thrown).message });
    }
  }
}

function deleteIf(
  cluster: Cluster,
  id: NodeId,
  mayGo: (id: NodeId) => boolean,
): Promise<readonly NodeRecord[]> {
  return cluster.submit((state) => {
    const node = mayGo(id) ? state.records.nodes.get(id) : undefined;
    const plan = planAgentDeletion(state, node === undefined ? [] : [node]);
    return { mutations: plan.mutations, answer: () => plan.deleted };
  });
}
