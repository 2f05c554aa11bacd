import type { IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { claimsOf, type Mutation, type NodeId, type NodeRecord } from '@overlay/model';
import type { PlannerState } from './planner-state.js';

/** Which agents shall go. */
export interface AgentDeletionRequest {
  readonly ips: readonly IpAddress[];
  /** True to delete connected agents too. */
  readonly force: boolean;
}

/** The records that go, and the changes that remove them. */
export interface AgentDeletionPlan {
  readonly deleted: readonly NodeRecord[];
  readonly mutations: readonly Mutation[];
}

/**
 * Decides a deletion of agents: all of the known ones or none. Unknown addresses are ignored, so that repeating
 * a deletion succeeds.
 * @throws OverlayError `failed_precondition` naming the connected agents if it is not forced.
 */
export function planAgentDeletion(
  state: PlannerState,
  request: AgentDeletionRequest,
  isConnected: (nodeId: NodeId) => boolean,
): AgentDeletionPlan {
  const deleted = [...new Set(request.ips)]
    .map((ip) => state.records.nodeByIp(ip))
    .filter((node) => node !== undefined);
  const connected = request.force ? [] : deleted.filter((node) => isConnected(node.id)).map(({ ip }) => ip);
  if (connected.length > 0) {
    const way = 'stop their overlay-agent first, or delete them with force';
    throw new OverlayError('failed_precondition', `agents are connected: ${connected.join(', ')}; ${way}`);
  }
  const mutations = deleted.flatMap((node): readonly Mutation[] => [
    { op: 'delete', ref: { kind: 'node', id: node.id } },
    { op: 'put', record: { kind: 'former-node', node } },
    { op: 'delete', ref: { kind: 'claim', resource: 'node-ip', value: node.ip } },
  ]);
  return { deleted, mutations };
}

/**
 * Ends the quarantines that are over: what the former nodes had becomes free for everyone.
 * @param nowMs monotonic time. @param limit how many quarantines end at most, so that a commit stays small.
 */
export function planQuarantineEnds(state: PlannerState, nowMs: number, limit: number): readonly Mutation[] {
  return state
    .dueFormerNodes(nowMs, limit)
    .flatMap((node): readonly Mutation[] => [
      { op: 'delete', ref: { kind: 'former-node', id: node.id } },
      ...claimsOf(node, 'former-node').map(
        ({ resource, value }): Mutation => ({ op: 'delete', ref: { kind: 'claim', resource, value } }),
      ),
    ]);
}
