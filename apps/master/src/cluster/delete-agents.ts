import type { NodeRecord } from '@overlay/model';
import type { Cluster } from './cluster.js';
import { type AgentDeletionRequest, planAgentDeletion } from './plan-agent-deletion.js';

/**
 * Deletes agents durably and returns the records that went; repeatable.
 * @throws OverlayError what {@link planAgentDeletion} and the commit throw.
 */
export function deleteAgents(
  cluster: Cluster,
  request: AgentDeletionRequest,
): Promise<readonly NodeRecord[]> {
  return cluster.submit((state) => {
    const plan = planAgentDeletion(state, request, (id) => cluster.connections.isConnected(id));
    return { mutations: plan.mutations, answer: () => plan.deleted };
  });
}
