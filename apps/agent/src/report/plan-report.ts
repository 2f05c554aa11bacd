import { Container, ReportAgentRequest } from '@overlay/contracts';
import type { AgentState } from '../agent-state.js';
import { boundLabels, LABELS_MAX_BYTES, leftOutCount } from './bound-labels.js';

/** Largest report: messages stay under 1 MiB. */
const MAX_REPORT_BYTES = 1024 * 1024 - 1;

/** What the labels of one container may have, tried in turn until the whole report is small enough. */
const LABEL_LIMITS_BYTES = [LABELS_MAX_BYTES, 4096, 2048, 1024, 512, 256, 128, 0] as const;

/**
 * What the master is told: the whole picture each time, so that a lost report costs nothing. Where the labels of all
 * containers together are too large for one message, those of the containers that have most are cut, see
 * {@link boundLabels}; no container is left out.
 */
export function planReport(
  nodeId: string,
  state: Pick<AgentState, 'assignment' | 'containers' | 'capacities' | 'removed'>,
): ReportAgentRequest {
  const networks = state.assignment?.networks ?? [];
  const bare: ReportAgentRequest = {
    nodeId,
    networks: networks.map((network) => ({ networkId: network.networkId, state: network.state })),
    containers: [],
    capacities: [...state.capacities],
    removedNetworkIds: [...state.removed],
  };
  return { ...bare, containers: boundContainers(state.containers, MAX_REPORT_BYTES - sizeOf(bare)) };
}

/** How many labels a report leaves out, and of how many containers. */
export function leftOutOf({ containers }: Pick<ReportAgentRequest, 'containers'>): {
  readonly containers: number;
  readonly labels: number;
} {
  const counts = containers.map(({ labels }) => leftOutCount(labels)).filter((count) => count > 0);
  return { containers: counts.length, labels: counts.reduce((sum, count) => sum + count, 0) };
}

function boundContainers(containers: readonly Container[], maxBytes: number): Container[] {
  let bound = [...containers];
  for (const limit of LABEL_LIMITS_BYTES) {
    bound = bound.map((container) => {
      const labels = boundLabels(container.labels, limit);
      return labels === container.labels ? container : { ...container, labels: { ...labels } };
    });
    if (bound.reduce((sum, container) => sum + fieldBytes(container), 0) <= maxBytes) return bound;
  }
  return bound;
}

function sizeOf(report: ReportAgentRequest): number {
  return ReportAgentRequest.encode(report).finish().length;
}

/** Bytes of a container in a report: tag, length (at most 5 bytes) and content. */
function fieldBytes(container: Container): number {
  return Container.encode(container).finish().length + 6;
}
