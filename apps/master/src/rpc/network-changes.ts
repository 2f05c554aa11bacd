import type { IpAddress } from '@overlay/allocation';
import type { DeleteNetworkRequest, Network, NetworkSpec } from '@overlay/contracts';
import { type FieldViolation, OverlayError, toOverlayError } from '@overlay/failure';
import {
  checkNetworkAlone,
  type NetworkDefinition,
  type NetworkId,
  type NetworkName,
  parseNetworkName,
  readNetworkDefinition,
} from '@overlay/model';
import type { Cluster } from '../cluster/cluster.js';
import {
  type NetworkPlan,
  planNetworkCreation,
  planNetworkDeletion,
  planNetworkUpdate,
} from '../cluster/plan-network.js';
import type { PlannerState } from '../cluster/planner-state.js';
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

/** Begins to delete a network durably. @throws what {@link planNetworkDeletion} throws. */
export async function deleteNetwork(
  cluster: Cluster,
  { name: text, force }: DeleteNetworkRequest,
): Promise<NetworkAnswer> {
  const name = parseName(text);
  return change(cluster, (state) =>
    planNetworkDeletion(state, {
      name,
      force,
      attached: attachedContainers(cluster, name),
      unheard: unheardUsers(cluster, state, name),
    }),
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

function parseName(text: string): NetworkName {
  try {
    return parseNetworkName(text);
  } catch (thrown) {
    throw OverlayError.invalid([{ field: 'name', description: toOverlayError(thrown).message }]);
  }
}

/** A gateway has no addresses in the network, and so no containers. */
function unheardUsers(cluster: Cluster, state: PlannerState, name: NetworkName): readonly IpAddress[] {
  const id = state.records.networkByName(name)?.id;
  return [...state.records.nodes.values()]
    .filter((node) => cluster.reports.get(node.id) === undefined)
    .filter(({ networks }) =>
      networks.some(({ networkId, prefixes }) => networkId === id && prefixes.length > 0),
    )
    .map(({ ip }) => ip);
}

function attachedContainers(cluster: Cluster, name: NetworkName): number {
  let attached = 0;
  for (const id of cluster.records.nodes.keys()) {
    for (const { network } of cluster.reports.get(id)?.containers ?? []) if (network === name) attached += 1;
  }
  return attached;
}
