import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import type {
  AddressSpaceDefinition,
  NetworkDefinition,
  NetworkId,
  NetworkName,
  NetworkRecord,
  NodeId,
} from '@overlay/model';
import { type CommitLimits, CommitRoom } from '@overlay/overlay-log';
import { type AgentDeletionPlan, planAgentDeletion } from './plan-agent-deletion.js';
import type { RegistrationRequest } from './plan-registration.js';
import { PlannerState } from './planner-state.js';

/** The default address space of a master that is configured with nothing. */
export const DEFAULT_SPACE: AddressSpaceDefinition = {
  vtepSubnet: parseCidr('44.128.0.0/20'),
  vtepSubnet6: parseCidr('fd01:a::/64'),
  vtepMacOui: parseMacAddress('70:b3:d5:00:00:00'),
};

/** Those of a log on etcd. */
export const ETCD_LIMITS: CommitLimits = { maxMutations: 124, maxBytes: 1024 * 1024 };

/** An enabled network. */
export function networkOf(
  name: string,
  ipv4?: readonly [subnet: string, blockLength: number],
  ipv6?: readonly [subnet: string, blockLength: number],
): NetworkDefinition {
  return {
    name: name as NetworkName,
    ...(ipv4 === undefined ? {} : { ipv4: { subnet: parseCidr(ipv4[0]), blockLength: ipv4[1] } }),
    ...(ipv6 === undefined ? {} : { ipv6: { subnet: parseCidr(ipv6[0]), blockLength: ipv6[1] } }),
    enabled: true,
    isolated: false,
  };
}

/** The record of a configured network; its id is its name with a prefix. */
export function recordOf(definition: NetworkDefinition): NetworkRecord {
  return { id: `id-${definition.name}` as NetworkId, definition, origin: 'configuration', phase: 'active' };
}

/** A state with an address space and networks, and nobody registered. */
export function stateWith(
  definitions: readonly NetworkDefinition[],
  space: AddressSpaceDefinition = DEFAULT_SPACE,
  quarantineMs = 600_000,
  limits: CommitLimits = ETCD_LIMITS,
): PlannerState {
  const state = new PlannerState(quarantineMs, limits);
  state.records.put({ kind: 'address-space', addressSpace: space });
  for (const definition of definitions) state.records.put({ kind: 'network', network: recordOf(definition) });
  state.finishLoading(0);
  return state;
}

/** A registration of an ordinary agent. */
export function requestOf(
  id: string,
  ip: string,
  wishes: Partial<RegistrationRequest> = {},
): RegistrationRequest {
  return {
    nodeId: id as NodeId,
    ip: parseIpAddress(ip),
    allocateSubnet: true,
    mesosBridge: true,
    dockerBridge: true,
    attributes: {},
    ...wishes,
  };
}

/** A commit with nothing in it yet. */
export function roomOf({ limits }: PlannerState): CommitRoom {
  return new CommitRoom(limits);
}

/** The deletion of the agent at the address, if there is one. */
export function planDeletionAt(state: PlannerState, ip: string): AgentDeletionPlan {
  const node = state.records.nodeByIp(parseIpAddress(ip));
  return planAgentDeletion(state, node === undefined ? [] : [node]);
}
