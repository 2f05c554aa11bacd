import { OverlayError } from '@overlay/failure';
import {
  type AddressSpaceDefinition,
  checkNewNetwork,
  type Mutation,
  type NetworkDefinition,
  type NetworkId,
  type NetworkRecord,
} from '@overlay/model';
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
  for (const definition of configured.networks) {
    if (state.records.networkByName(definition.name) !== undefined) continue;
    problems.push(...conflictsWithLog(state, configured, definition));
    const network: NetworkRecord = {
      id: options.newNetworkId(),
      definition,
      origin: 'configuration',
      phase: 'active',
    };
    mutations.push({ op: 'create', record: { kind: 'network', network } });
  }
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
    return { warning, network: { ...network, origin: 'runtime' } };
  }
  const ips = [...state.records.nodes.values()]
    .filter((node) => node.networks.some(({ networkId }) => networkId === network.id))
    .map(({ ip }) => ip);
  const more = ips.length > AGENTS_NAMED ? ` and ${ips.length - AGENTS_NAMED} more` : '';
  const users = ips.length === 0 ? 'no agent' : `agents ${ips.slice(0, AGENTS_NAMED).join(', ')}${more}`;
  return {
    problem:
      `the overlay log holds network "${name}" (${spaces(network.definition)}), which the configuration does not ` +
      `name; ${users} have it. Either put it back into network.overlays, or start once with --adopt-networks ` +
      `(takes the log's word) and delete it then with: overlayctl network delete ${name}`,
  };
}

function changed(network: NetworkRecord, definition: NetworkDefinition): NetworkStep {
  const logged = network.definition;
  const same = JSON.stringify(canonical(logged)) === JSON.stringify(canonical(definition));
  if (same) return {};
  const { name } = logged;
  if (network.origin === 'runtime') {
    const warning = `network "${name}" was changed at runtime: the log's word holds over the configuration's`;
    return { warning };
  }
  if (spaces(logged) !== spaces(definition)) {
    const values = `the log has ${spaces(logged)}, the configuration ${spaces(definition)}`;
    const way = 'put the old values back, or give the new network another name';
    return { problem: `network "${name}" cannot change its address space: ${values}; ${way}` };
  }
  return { network: { ...network, definition } };
}

function conflictsWithLog(
  state: PlannerState,
  configured: ClusterDefinition,
  definition: NetworkDefinition,
): readonly string[] {
  const unnamed = [...state.records.networks.values()]
    .map((network) => network.definition)
    .filter((logged) => configured.networks.every(({ name }) => name !== logged.name));
  const violations = checkNewNetwork(
    configured.addressSpace,
    unnamed,
    definition,
    `network ${definition.name}`,
  );
  return violations.map(({ field, description }) => `${field}: ${description}`);
}

function canonical({ name, ipv4, ipv6, enabled, isolated }: NetworkDefinition): readonly unknown[] {
  return [name, ipv4?.subnet, ipv4?.blockLength, ipv6?.subnet, ipv6?.blockLength, enabled, isolated];
}

function spaces({ ipv4, ipv6 }: NetworkDefinition): string {
  return [ipv4, ipv6]
    .filter((plan) => plan !== undefined)
    .map(({ subnet, blockLength }) => `${subnet} in /${blockLength}`)
    .join(' and ');
}
