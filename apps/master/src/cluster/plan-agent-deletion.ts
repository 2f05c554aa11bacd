import { OverlayError } from '@overlay/failure';
import { claimsOf, type FormerNodeRecord, type Mutation, type NodeId, type NodeRecord } from '@overlay/model';
import { CommitRoom } from '@overlay/overlay-log';
import { planStripped } from './plan-network-removal.js';
import type { PlannerState } from './planner-state.js';

/** The records that go, and the changes that remove them. */
export interface AgentDeletionPlan {
  readonly deleted: readonly NodeRecord[];
  readonly mutations: readonly Mutation[];
}

/**
 * Decides a deletion of agents: of as many as one commit holds, in their order. What one had is kept for it until its
 * quarantine is over.
 */
export function planAgentDeletion(state: PlannerState, nodes: Iterable<NodeRecord>): AgentDeletionPlan {
  const room = new CommitRoom(state.limits);
  const deleted: NodeRecord[] = [];
  const mutations: Mutation[] = [];
  for (const node of nodes) {
    const step: readonly Mutation[] = [
      ...intoQuarantine(node),
      { op: 'delete', ref: { kind: 'claim', resource: 'node-ip', value: node.ip } },
    ];
    if (!room.take(step)) break;
    deleted.push(node);
    mutations.push(...step);
  }
  return { deleted, mutations };
}

/** Keeps what a node had for it from now on; whose the claim on its underlay address is, is left to the caller. */
export function intoQuarantine(node: NodeRecord): readonly Mutation[] {
  return [
    { op: 'delete', ref: { kind: 'node', id: node.id } },
    { op: 'put', record: { kind: 'former-node', node } },
  ];
}

/** @throws OverlayError `failed_precondition` naming those of the nodes that are connected. */
export function refuseConnected(
  nodes: readonly NodeRecord[],
  isConnected: (nodeId: NodeId) => boolean,
): void {
  const connected = nodes.filter(({ id }) => isConnected(id)).map(({ ip }) => ip);
  if (connected.length === 0) return;
  const way = 'stop their overlay-agent first, or delete them with force';
  throw new OverlayError('failed_precondition', `agents are connected: ${connected.join(', ')}; ${way}`);
}

/**
 * Ends the quarantines that are over: what the former nodes had becomes free for everyone.
 * @param nowMs monotonic time. @param room of the commit; as many quarantines end as it holds.
 */
export function planQuarantineEnds(
  state: PlannerState,
  nowMs: number,
  room: CommitRoom,
): readonly Mutation[] {
  const mutations: Mutation[] = [];
  for (const node of state.dueFormerNodes(nowMs)) {
    const whole = quarantineEnd(node);
    // A log from before there was a limit may hold a node that is too large for one commit.
    const isTooLarge = !new CommitRoom(state.limits).take(whole);
    const step = isTooLarge
      ? node.networks.slice(0, 1).flatMap(({ networkId }) => planStripped(node, networkId))
      : whole;
    if (!room.take(step)) break;
    mutations.push(...step);
  }
  return mutations;
}

function quarantineEnd(node: FormerNodeRecord): readonly Mutation[] {
  return [
    { op: 'delete', ref: { kind: 'former-node', id: node.id } },
    ...claimsOf(node, 'former-node').map(
      ({ resource, value }): Mutation => ({ op: 'delete', ref: { kind: 'claim', resource, value } }),
    ),
  ];
}
