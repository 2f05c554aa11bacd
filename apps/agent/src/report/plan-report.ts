import type { ReportAgentRequest } from '@overlay/contracts';
import type { AgentState } from '../agent-state.js';

/** What the master is told: the whole picture each time, so that a lost report costs nothing. */
export function planReport(nodeId: string, state: AgentState): ReportAgentRequest {
  const networks = state.assignment?.networks ?? [];
  return {
    nodeId,
    networks: networks.map((network) => ({ networkId: network.networkId, state: network.state })),
    containers: [...state.containers],
    capacities: [...state.capacities],
    removedNetworkIds: [...state.removed],
  };
}
