import type { DeleteNetworkRequest, Network, NetworkSpec } from '@overlay/contracts';
import { type FieldViolation, OverlayError } from '@overlay/failure';
import {
  checkNetworkAlone,
  type NetworkDefinition,
  type NetworkId,
  type NetworkName,
  type NodeId,
  readNetworkDefinition,
} from '@overlay/model';
import type { Clock } from '@overlay/service';
import type { Cluster } from '../cluster/cluster.js';
import {
  type NetworkPlan,
  planNetworkCreation,
  planNetworkDeletion,
  planNetworkUpdate,
} from '../cluster/plan-network.js';
import type { PlannerState } from '../cluster/planner-state.js';
import { parseNetworkNameField } from './parse-fields.js';
import { toNetwork } from './to-messages.js';

interface NetworkAnswer {
  readonly network: Network;
}

/** Creates a network durably; agents take it up without a restart. @throws what {@link planNetworkCreation} throws. */
export async function createNetwork(
  deps: { readonly cluster: Cluster; readonly newNetworkId: () => NetworkId },
  spec: NetworkSpec | undefined,
): Promise<NetworkAnswer> {
  const definition = parseSpec(spec);
  return change(deps.cluster, (state) => planNetworkCreation(state, definition, deps.newNetworkId));
}

/** Changes a network durably. @throws what {@link planNetworkUpdate} throws. */
export async function updateNetwork(cluster: Cluster, spec: NetworkSpec | undefined): Promise<NetworkAnswer> {
  const definition = parseSpec(spec);
  return change(cluster, (state) => planNetworkUpdate(state, definition));
}

/** In this time after a master's start the agents that run have reported to it. */
const REPORTS_COME_WITHIN_MS = 5_000;
const LOOK_AGAIN_MS = 100;

/**
 * Begins to delete a network durably. A master that has just started waits for the agents that have the network, for
 * what they report decides whether it may go.
 * @throws what {@link planNetworkDeletion} throws.
 */
export async function deleteNetwork(
  { cluster, clock }: { readonly cluster: Cluster; readonly clock: Pick<Clock, 'sleep'> },
  { name: text, force }: DeleteNetworkRequest,
  signal: AbortSignal,
): Promise<NetworkAnswer> {
  const name = parseNetworkNameField('name', text);
  cluster.requireLeading();
  const isEarly = () => !force && cluster.loadedForMs < REPORTS_COME_WITHIN_MS && !signal.aborted;
  let unheard = isEarly() ? usersOf(cluster, name) : [];
  while (isEarly()) {
    unheard = unheard.filter((id) => cluster.reports.get(id) === undefined);
    if (unheard.length === 0) break;
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
  return change(cluster, (state) =>
    planNetworkDeletion(state, { name, force, attached: attachedContainers(cluster, name) }),
  );
}

function change(cluster: Cluster, plan: (state: PlannerState) => NetworkPlan): Promise<NetworkAnswer> {
  return cluster.submit((state) => {
    const { network, mutations } = plan(state);
    return { mutations, answer: () => ({ network: toNetwork(network) }) };
  });
}

function parseSpec(spec: NetworkSpec | undefined): NetworkDefinition {
  if (spec === undefined) throw OverlayError.invalid([{ field: 'spec', description: 'is missing' }]);
  const input = {
    name: spec.name,
    subnet: spec.subnet === '' ? undefined : spec.subnet,
    prefix: spec.prefix === 0 ? undefined : spec.prefix,
    subnet6: spec.subnet6 === '' ? undefined : spec.subnet6,
    prefix6: spec.prefix6 === 0 ? undefined : spec.prefix6,
    enabled: !spec.disabled,
    isolated: spec.isolated,
  };
  const reading = readNetworkDefinition(input, 'spec');
  if (!reading.ok) {
    const { partial, violations } = reading;
    const rest = partial === undefined ? [] : checkNetworkAlone(partial, 'spec');
    throw OverlayError.invalid([...violations, ...rest.filter(({ field }) => !isNamed(field, violations))]);
  }
  return reading.value;
}

function isNamed(field: string, violations: readonly FieldViolation[]): boolean {
  return violations.some((violation) => violation.field === field);
}

/** The agents that have addresses in the network. */
function usersOf({ records }: Cluster, name: NetworkName): readonly NodeId[] {
  const network = records.networkByName(name)?.id;
  return [...records.nodes.values()]
    .filter(({ networks }) =>
      networks.some(({ networkId, prefixes }) => networkId === network && prefixes.length > 0),
    )
    .map(({ id }) => id);
}

function attachedContainers(cluster: Cluster, name: NetworkName): number {
  let attached = 0;
  for (const id of cluster.records.nodes.keys()) {
    for (const { network } of cluster.reports.get(id)?.containers ?? []) if (network === name) attached += 1;
  }
  return attached;
}
