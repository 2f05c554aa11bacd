import { OverlayError } from '@overlay/failure';
import {
  checkNewNetwork,
  type Mutation,
  type NetworkDefinition,
  type NetworkId,
  type NetworkName,
  type NetworkRecord,
} from '@overlay/model';
import { checkUnderlay } from './check-underlay.js';
import { asRuntime, sameDefinition, sameSpaces } from './network-definitions.js';
import { checkNetworkLimit } from './network-limit.js';
import type { PlannerState } from './planner-state.js';
import { unknownNetwork } from './unknown-network.js';

/** The network as it will be, and the changes that lead there: none if nothing changes. */
export interface NetworkPlan {
  readonly network: NetworkRecord;
  readonly mutations: readonly Mutation[];
}

/**
 * Decides the creation of a network. Repeating it with the same definition succeeds.
 * @throws OverlayError `invalid_argument` for a definition that breaks a rule or overlaps, `already_exists` for a
 * name that another definition has, `failed_precondition` while a network of that name is being deleted,
 * `resource_exhausted` beyond the number of networks that the log takes.
 */
export function planNetworkCreation(
  state: PlannerState,
  definition: NetworkDefinition,
  newNetworkId: () => NetworkId,
): NetworkPlan {
  const { addressSpace } = state.records;
  if (addressSpace === undefined) throw new OverlayError('internal', 'the overlay log has no address space');
  const { name } = definition;
  const existing = state.records.networkByName(name);
  if (existing?.phase === 'deleting') {
    const way = 'wait until it is gone from every agent, or delete the agents that are away';
    throw new OverlayError('failed_precondition', `network "${name}" is being deleted: ${way}`);
  }
  if (existing !== undefined && sameDefinition(existing.definition, definition)) {
    return { network: existing, mutations: [] };
  }
  if (existing !== undefined) {
    throw new OverlayError(
      'already_exists',
      `network "${name}" exists with another definition: update or delete it`,
    );
  }
  const others = [...state.records.networks.values()].map((network) => network.definition);
  const violations = [
    ...checkNewNetwork(addressSpace, others, definition, 'spec'),
    ...checkUnderlay(definition, state.records.nodes.values(), 'spec'),
  ];
  if (violations.length > 0) throw OverlayError.invalid(violations);
  const limit = checkNetworkLimit(state, [definition]);
  if (limit !== undefined) throw new OverlayError('resource_exhausted', `network "${name}": ${limit}`);
  const tombstone = state.records.deletedNetworks.get(name);
  const network: NetworkRecord = {
    id: newNetworkId(),
    definition,
    origin: 'runtime',
    phase: 'active',
    ...(tombstone === undefined ? {} : { configured: true }),
  };
  const create: Mutation = { op: 'create', record: { kind: 'network', network } };
  return {
    network,
    mutations:
      tombstone === undefined
        ? [create]
        : [{ op: 'delete', ref: { kind: 'network', id: tombstone.id } }, create],
  };
}

/**
 * Decides a change of a network: `enabled` and `isolated` may change. From then on the log's word holds over the
 * configuration's. Repeating it succeeds.
 * @throws OverlayError `not_found`, `failed_precondition` for another address space or a network being deleted.
 */
export function planNetworkUpdate(state: PlannerState, definition: NetworkDefinition): NetworkPlan {
  const existing = requireNetwork(state, definition.name);
  if (existing.phase !== 'active') {
    throw new OverlayError('failed_precondition', `network "${definition.name}" is being deleted`);
  }
  if (!sameSpaces(existing.definition, definition)) {
    const rule = 'the address space of a network never changes; create another network beside it';
    throw new OverlayError('failed_precondition', `network "${definition.name}": ${rule}`);
  }
  if (sameDefinition(existing.definition, definition)) return { network: existing, mutations: [] };
  const network = asRuntime({ ...existing, definition });
  return { network, mutations: [{ op: 'put', record: { kind: 'network', network } }] };
}

/** What is known of a network's use when it shall be deleted. */
export interface NetworkDeletionRequest {
  readonly name: NetworkName;
  /** True to delete it although containers are attached. */
  readonly force: boolean;
  /** Containers that agents reported in it. */
  readonly attached: number;
}

/**
 * Decides the deletion of a network: it is marked, every agent removes it and reports, and then
 * {@link planFinishedDeletions} removes the record. Repeating it succeeds while the network is being deleted.
 * @throws OverlayError `not_found`, `failed_precondition` while containers are attached and it is not forced.
 */
export function planNetworkDeletion(state: PlannerState, request: NetworkDeletionRequest): NetworkPlan {
  const existing = requireNetwork(state, request.name);
  if (existing.phase === 'deleting') return { network: existing, mutations: [] };
  if (request.attached > 0 && !request.force) {
    const what = `${request.attached} container${request.attached === 1 ? ' is' : 's are'} attached`;
    const way = 'stop them first, or delete the network with force';
    throw new OverlayError('failed_precondition', `network "${request.name}": ${what}; ${way}`);
  }
  const network: NetworkRecord = { ...existing, phase: 'deleting' };
  return { network, mutations: [{ op: 'put', record: { kind: 'network', network } }] };
}

function requireNetwork(state: PlannerState, name: NetworkName): NetworkRecord {
  const existing = state.records.networkByName(name);
  if (existing !== undefined) return existing;
  const names = [...state.records.networks.values()].map(({ definition }) => definition.name);
  throw unknownNetwork(name, names);
}
