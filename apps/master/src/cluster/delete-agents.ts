import type { IpAddress } from '@overlay/allocation';
import { OverlayError, toOverlayError } from '@overlay/failure';
import type { NodeRecord } from '@overlay/model';
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
 * other, and if one of those fails, the error says how many agents are gone by then.
 * @throws OverlayError `failed_precondition` naming the connected agents if it is not forced, and what the commit throws.
 */
export async function deleteAgents(
  cluster: Cluster,
  request: AgentDeletionRequest,
): Promise<readonly NodeRecord[]> {
  const isConnected = request.force
    ? () => false
    : (id: NodeRecord['id']) => cluster.connections.isConnected(id);
  let found: readonly NodeRecord[] | undefined;
  let deleted: readonly NodeRecord[] = [];
  const nextPart = (state: PlannerState) => {
    found ??= allAt(state, request.ips, isConnected);
    const plan = planAgentDeletion(state, unchanged(state, found));
    refuseConnected(plan.deleted, isConnected);
    return { mutations: plan.mutations, answer: () => plan.deleted };
  };
  for (;;) {
    try {
      const part = await cluster.submit(nextPart);
      if (part.length === 0) return deleted;
      deleted = [...deleted, ...part];
    } catch (thrown) {
      throw deleted.length === 0 ? thrown : interrupted(thrown, deleted.length, found?.length ?? 0);
    }
    if (deleted.length === found?.length) return deleted;
  }
}

/** @throws OverlayError what {@link refuseConnected} throws. */
function allAt(
  state: PlannerState,
  ips: readonly IpAddress[],
  isConnected: (id: NodeRecord['id']) => boolean,
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
