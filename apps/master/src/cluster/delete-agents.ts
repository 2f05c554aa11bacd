import type { IpAddress } from '@overlay/allocation';
import { OverlayError, toOverlayError } from '@overlay/failure';
import type { NodeId, NodeRecord } from '@overlay/model';
import type { Cluster } from './cluster.js';
import { planAgentDeletion, refuseConnected } from './plan-agent-deletion.js';
import type { PlannerState } from './planner-state.js';

/** Which agents shall go. */
export interface AgentDeletionRequest {
  readonly ips: readonly IpAddress[];
  /** True to delete connected agents too. */
  readonly force: boolean;
}

/**
 * Deletes agents durably and returns the records that went. Unknown addresses are ignored, so that repeating a deletion
 * succeeds. None is deleted if one of them may not be. Where there are more than one commit holds, several follow each
 * other, and if one of those fails, the error says how many agents are gone by then. An agent that registers again
 * meanwhile is deleted once and stays.
 * @throws OverlayError `failed_precondition` naming the connected agents if it is not forced, and what the commit throws.
 */
export async function deleteAgents(
  cluster: Cluster,
  request: AgentDeletionRequest,
): Promise<readonly NodeRecord[]> {
  const isConnected = request.force ? () => false : (id: NodeId) => cluster.connections.isConnected(id);
  let found: readonly NodeRecord[] | undefined;
  const deleted = new Map<NodeId, NodeRecord>();
  const nextPart = (state: PlannerState) => {
    found ??= allAt(state, request.ips, isConnected);
    const left = found.filter(({ id }) => !deleted.has(id));
    const plan = planAgentDeletion(state, unchanged(state, left));
    refuseConnected(plan.deleted, isConnected);
    return { mutations: plan.mutations, answer: () => plan.deleted };
  };
  for (;;) {
    try {
      const part = await cluster.submit(nextPart);
      for (const node of part) deleted.set(node.id, node);
      if (part.length === 0 || deleted.size === found?.length) return [...deleted.values()];
    } catch (thrown) {
      throw deleted.size === 0 ? thrown : interrupted(thrown, deleted.size, found?.length ?? 0);
    }
  }
}

/** @throws OverlayError what {@link refuseConnected} throws. */
function allAt(
  state: PlannerState,
  ips: readonly IpAddress[],
  isConnected: (id: NodeId) => boolean,
): readonly NodeRecord[] {
  const found = [...new Set(ips)]
    .map((ip) => state.records.nodeByIp(ip))
    .filter((node) => node !== undefined);
  refuseConnected(found, isConnected);
  return found;
}

/** Those that are still there, at the address by which they were asked for. */
function* unchanged(state: PlannerState, found: readonly NodeRecord[]): Generator<NodeRecord> {
  for (const { id, ip } of found) {
    const node = state.records.nodes.get(id);
    if (node?.ip === ip) yield node;
  }
}

function interrupted(thrown: unknown, deleted: number, found: number): OverlayError {
  const { code, message, leader, violations } = toOverlayError(thrown);
  const told = `${deleted} of ${found} agents were deleted, then: ${message}`;
  return new OverlayError(code, told, {
    cause: thrown,
    violations,
    ...(leader === undefined ? {} : { leader }),
  });
}
