import { cidrsOverlap, containsAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import {
  type AddressSpaceDefinition,
  checkNewNetwork,
  type Mutation,
  type NetworkDefinition,
  type NetworkId,
  type NetworkRecord,
  type NodeRecord,
} from '@overlay/model';
import { checkUnderlay } from './check-underlay.js';
import { asRuntime, mayBeConfigured, sameDefinition, sameSpaces, spacesOf } from './network-definitions.js';
import { checkNetworkLimit } from './network-limit.js';
import { planAddressSpace } from './plan-address-space.js';
import type { PlannerState } from './planner-state.js';

/** What the configuration says of the cluster. */
export interface ClusterDefinition {
  readonly addressSpace: AddressSpaceDefinition;
  readonly networks: readonly NetworkDefinition[];
}

/** What a starting master was told beside its configuration. */
export interface StartupOptions {
  /** Take the log's word for networks that the configuration does not name. */
  readonly adoptNetworks: boolean;
  /** Makes an id that no network ever had. */
  readonly newNetworkId: () => NetworkId;
}

/** What starting changes in the log, and what an operator should know about it. */
export interface StartupPlan {
  readonly mutations: readonly Mutation[];
  readonly warnings: readonly string[];
}

/** How many agents an error names before it says how many more there are. */
const AGENTS_NAMED = 10;

/**
 * Brings the log and the configuration together. The configuration may add networks, add an IPv6 VTEP space,
 * enlarge the IPv4 one, and change `enabled` and `isolated`; for networks that runtime calls made, the log wins.
 * @throws OverlayError `failed_precondition` that shows every other difference with both values and the way out.
 */
export function planStartup(
  state: PlannerState,
  configured: ClusterDefinition,
  options: StartupOptions,
): StartupPlan {
  const problems: string[] = [];
  const warnings: string[] = [];
  const mutations: Mutation[] = [];
  const space = planAddressSpace(state.records.addressSpace, configured.addressSpace);
  problems.push(...space.problems);
  if (state.records.addressSpace !== undefined && space.changed) {
    problems.push(...conflictsWithSpace(state, configured.addressSpace));
  }
  if (space.changed) {
    mutations.push({
      op: 'put',
      record: { kind: 'address-space', addressSpace: configured.addressSpace },
    });
  }
  for (const network of state.records.networks.values()) {
    const definition = configured.networks.find(({ name }) => name === network.definition.name);
    const step = definition === undefined ? missing(state, network, options) : changed(network, definition);
    if (step.problem !== undefined) problems.push(step.problem);
    if (step.warning !== undefined) warnings.push(step.warning);
    if (step.network !== undefined)
      mutations.push({ op: 'put', record: { kind: 'network', network: step.network } });
  }
  const added: NetworkDefinition[] = [];
  for (const definition of configured.networks) {
    if (state.records.networkByName(definition.name) !== undefined) continue;
    if (state.records.deletedNetworks.has(definition.name)) {
      warnings.push(deletedText(definition.name, 'was'));
      continue;
    }
    problems.push(...conflictsWithLog(state, configured, definition));
    added.push(definition);
    const network: NetworkRecord = {
      id: options.newNetworkId(),
      definition,
      origin: 'configuration',
      phase: 'active',
    };
    mutations.push({ op: 'create', record: { kind: 'network', network } });
  }
  const limit = checkNetworkLimit(state, added);
  if (limit !== undefined && added.length > 0) problems.push(`network.overlays: ${limit}`);
  // As after an import from a log that takes more: the agents that are there go on.
  else if (limit !== undefined) warnings.push(`agents that are new may be refused: ${limit}`);
  if (problems.length > 0) throw new OverlayError('failed_precondition', problems.join('\n'));
  return { mutations, warnings };
}

interface NetworkStep {
  readonly problem?: string;
  readonly warning?: string;
  readonly network?: NetworkRecord;
}

function missing(state: PlannerState, network: NetworkRecord, options: StartupOptions): NetworkStep {
  const { name } = network.definition;
  if (network.origin === 'runtime' || network.phase === 'deleting') return {};
  if (options.adoptNetworks) {
    const warning = `network "${name}" is adopted: the log's word holds, the configuration need not name it`;
    return { warning, network: asRuntime(network) };
  }
  const nodes = [...state.records.nodes.values()].filter((node) =>
    node.networks.some(({ networkId }) => networkId === network.id),
  );
  const users = nodes.length === 0 ? 'no agent' : agentsText(nodes);
  return {
    problem:
      `the overlay log holds network "${name}" (${spacesOf(network.definition)}), which the configuration does not ` +
      `name; ${users} have it. Either put it back into network.overlays, or start once with --adopt-networks ` +
      `(takes the log's word) and delete it then with: overlayctl network delete ${name}`,
  };
}

function changed(network: NetworkRecord, definition: NetworkDefinition): NetworkStep {
  const logged = network.definition;
  const { name } = logged;
  const isSame = sameDefinition(logged, definition);
  const named = mayBeConfigured(network) ? {} : { network: { ...network, configured: true } };
  if (network.phase === 'deleting') return { warning: deletedText(name, 'is being'), ...named };
  if (network.origin === 'runtime') {
    const warning = `network "${name}" was changed at runtime: the log's word holds over the configuration's`;
    return { ...(isSame ? {} : { warning }), ...named };
  }
  if (isSame) return {};
  if (!sameSpaces(logged, definition)) {
    const values = `the log has ${spacesOf(logged)}, the configuration ${spacesOf(definition)}`;
    const way = 'put the old values back, or give the new network another name';
    return { problem: `network "${name}" cannot change its address space: ${values}; ${way}` };
  }
  return { network: { ...network, definition } };
}

function deletedText(name: string, state: 'was' | 'is being'): string {
  const way = 'take it out of network.overlays, or create it again with: overlayctl network create';
  return `network "${name}" ${state} deleted at runtime and stays so: ${way}`;
}

/** What an address space that changes would meet of what the log holds already, whatever the configuration names. */
function conflictsWithSpace(state: PlannerState, space: AddressSpaceDefinition): readonly string[] {
  const problems: string[] = [];
  for (const [key, subnet] of [
    ['vtep_subnet', space.vtepSubnet],
    ['vtep_subnet6', space.vtepSubnet6],
  ] as const) {
    if (subnet === undefined) continue;
    const refuse = (what: string) =>
      problems.push(
        `network.${key} cannot become ${subnet}: ${what}; put the old value back or choose another`,
      );
    for (const { definition } of state.records.networks.values()) {
      for (const plan of [definition.ipv4, definition.ipv6]) {
        if (plan === undefined || !cidrsOverlap(plan.subnet, subnet)) continue;
        refuse(`network "${definition.name}" of the overlay log has ${plan.subnet}, which overlaps it`);
      }
    }
    const inside = [...state.records.nodes.values()].filter(({ ip }) => containsAddress(subnet, ip));
    if (inside.length > 0) refuse(`it contains the underlay address of ${agentsText(inside)}`);
  }
  return problems;
}

function agentsText(nodes: readonly NodeRecord[]): string {
  const ips = nodes.slice(0, AGENTS_NAMED).map(({ ip }) => ip);
  const more = nodes.length > AGENTS_NAMED ? ` and ${nodes.length - AGENTS_NAMED} more` : '';
  return `agents ${ips.join(', ')}${more}`;
}

function conflictsWithLog(
  state: PlannerState,
  configured: ClusterDefinition,
  definition: NetworkDefinition,
): readonly string[] {
  // The log's word, also for networks that the configuration names: it holds where they were changed at runtime.
  const logged = [...state.records.networks.values()].map((network) => network.definition);
  const path = `network ${definition.name}`;
  const violations = [
    ...checkNewNetwork(configured.addressSpace, logged, definition, path),
    ...checkUnderlay(definition, state.records.nodes.values(), path),
  ];
  return violations.map(({ field, description }) => `${field}: ${description}`);
}
