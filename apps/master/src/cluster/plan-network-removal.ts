import {
  claimsOf,
  type FormerNodeRecord,
  type Mutation,
  type NetworkId,
  type NetworkRecord,
  type NodeId,
  type NodeRecord,
} from '@overlay/model';
import type { CommitRoom } from '@overlay/overlay-log';
import { mayBeConfigured } from './network-definitions.js';
import { removedClaims } from './node-claims.js';
import type { PlannerState } from './planner-state.js';

/**
 * Frees what a node had in networks of which it reports that nothing is left on its host. Networks that are not
 * being deleted are left alone: a report may be older than the network. Repeating it is safe.
 */
export function planRemovedNetworks(
  state: PlannerState,
  nodeId: NodeId,
  networkIds: readonly string[],
): readonly Mutation[] {
  const node = state.records.nodes.get(nodeId);
  if (node === undefined) return [];
  const gone = new Set(networkIds);
  const after = without(
    node,
    ({ id, phase }) => gone.has(id) && phase === 'deleting',
    (id) => state.records.networks.get(id),
  );
  if (after === node) return [];
  return [{ op: 'put', record: { kind: 'node', node: after } }, ...removedClaims(node, after)];
}

/**
 * Ends the deletions that every agent has done its part of: what former nodes had in the network is freed, then
 * the network's record goes. Where the configuration of a master may name the network, a mark stays, so that no
 * start brings it back, whichever master leads.
 * @param room of the commit; as much is done as it holds.
 */
export function planFinishedDeletions(state: PlannerState, room: CommitRoom): readonly Mutation[] {
  const mutations: Mutation[] = [];
  // What is planned of a former node here rests on its record as it is: once in each commit.
  const touched = new Set<NodeId>();
  for (const network of state.records.networks.values()) {
    if (network.phase !== 'deleting' || state.records.usersOf(network.id) > 0) continue;
    // One former node at a time keeps each step small; the next commit goes on.
    const former = formerUser(state, network.id);
    if (former !== undefined && touched.has(former.id)) continue;
    const step = former === undefined ? finished(network) : planStripped(former, network.id);
    if (!room.take(step)) break;
    if (former !== undefined) touched.add(former.id);
    mutations.push(...step);
  }
  return mutations;
}

function finished(network: NetworkRecord): readonly Mutation[] {
  return mayBeConfigured(network)
    ? [{ op: 'put', record: { kind: 'network', network: { ...network, phase: 'deleted' } } }]
    : [{ op: 'delete', ref: { kind: 'network', id: network.id } }];
}

function formerUser(state: PlannerState, id: NetworkId): FormerNodeRecord | undefined {
  for (const node of state.records.formerNodes.values()) {
    if (node.networks.some(({ networkId }) => networkId === id)) return node;
  }
  return undefined;
}

/** Frees what a former node has in a network; the rest is kept for it as before. */
export function planStripped(node: FormerNodeRecord, id: NetworkId): readonly Mutation[] {
  const after = { ...node, networks: node.networks.filter(({ networkId }) => networkId !== id) };
  const kept = new Set(claimsOf(after, 'former-node').map(({ value }) => value));
  const freed = claimsOf(node, 'former-node').filter(({ value }) => !kept.has(value));
  return [
    { op: 'put', record: { kind: 'former-node', node: after } },
    ...freed.map(
      ({ resource, value }): Mutation => ({ op: 'delete', ref: { kind: 'claim', resource, value } }),
    ),
  ];
}

function without(
  node: NodeRecord,
  goes: (network: NetworkRecord) => boolean,
  networkOf: (id: NetworkId) => NetworkRecord | undefined,
): NodeRecord {
  const networks = node.networks.filter(({ networkId }) => {
    const network = networkOf(networkId);
    return network === undefined || !goes(network);
  });
  return networks.length === node.networks.length ? node : { ...node, networks };
}
