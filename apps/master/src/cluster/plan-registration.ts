import type { IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import {
  type AddressSpaceDefinition,
  checkNodeIp,
  type FormerNodeRecord,
  type Mutation,
  type NodeId,
  type NodeNetwork,
  type NodeRecord,
  vtepMac,
} from '@overlay/model';
import { givesBlocks } from './network-definitions.js';
import { addedClaims, removedClaims } from './node-claims.js';
import { intoQuarantine } from './plan-agent-deletion.js';
import type { PlannerState } from './planner-state.js';

/** What a node asks for, parsed. */
export interface RegistrationRequest {
  readonly nodeId: NodeId;
  readonly ip: IpAddress;
  readonly allocateSubnet: boolean;
  readonly mesosBridge: boolean;
  readonly dockerBridge: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What the planner must know beside the state. */
export interface RegistrationContext {
  /** True if the node's topology stream is open, or has to be taken for open after a change of leader. */
  readonly isConnected: (nodeId: NodeId) => boolean;
}

/** The record as it will be, and the changes that lead there: none if nothing changes. */
export interface RegistrationPlan {
  readonly node: NodeRecord;
  readonly mutations: readonly Mutation[];
}

/**
 * Decides what a registering node gets. A known node keeps what it has and is completed by the networks that
 * were added or enabled since, and so is a deleted one that returns within its quarantine; an unknown one gets
 * what the node had that was last at its address, else the lowest free. A network without a free block is left
 * out and does not stop the others. O(1) in the number of nodes.
 * @throws OverlayError `invalid_argument` for an address that no node may have, `already_exists` naming the
 * connected owner of the id or address, `resource_exhausted` without a free VTEP address.
 */
export function planRegistration(
  state: PlannerState,
  request: RegistrationRequest,
  context: RegistrationContext,
): RegistrationPlan {
  const space = state.records.addressSpace;
  if (space === undefined) throw new OverlayError('internal', 'the overlay log has no address space');
  checkAddress(state, request, space);
  const known = state.records.nodes.get(request.nodeId);
  const atAddress = state.records.nodeByIp(request.ip);
  refuseClones(known, atAddress, request, context);
  const former = state.records.formerNodes.get(request.nodeId);
  // Where a node is only guessed to be, whoever comes from there need not be its host.
  const predecessor = former === undefined && atAddress?.guessedIp !== true ? atAddress : undefined;
  const node = completed(state, space, request, known ?? former ?? predecessor);
  if (known !== undefined) return { node, mutations: changed(node, known, atAddress) };
  if (predecessor !== undefined) return { node, mutations: takenOver(node, predecessor) };
  return { node, mutations: arrived(node, former, atAddress) };
}

function checkAddress(
  state: PlannerState,
  request: RegistrationRequest,
  space: AddressSpaceDefinition,
): void {
  const [first] = state.records.nodes.values();
  // A lone node that changes its address family takes the cluster's family with it.
  const fixed = first === undefined || (state.records.nodes.size === 1 && first.id === request.nodeId);
  const family = fixed ? undefined : first.ip.includes(':') ? 6 : 4;
  const networks = [...state.records.networks.values()].map((network) => network.definition);
  const violations = checkNodeIp(request.ip, space, networks, family, 'ip');
  if (violations.length > 0) throw OverlayError.invalid(violations);
}

function refuseClones(
  known: NodeRecord | undefined,
  atAddress: NodeRecord | undefined,
  request: RegistrationRequest,
  context: RegistrationContext,
): void {
  if (known !== undefined && known.ip !== request.ip && context.isConnected(known.id)) {
    const way = 'two machines share one node id: give the clone a state directory of its own';
    throw new OverlayError('already_exists', `node ${known.id} is connected from ${known.ip}; ${way}`);
  }
  if (atAddress !== undefined && atAddress.id !== request.nodeId && context.isConnected(atAddress.id)) {
    const way = 'stop that node, delete it, or give this host another address';
    throw new OverlayError(
      'already_exists',
      `${request.ip} belongs to the connected node ${atAddress.id}; ${way}`,
    );
  }
}

function completed(
  state: PlannerState,
  space: AddressSpaceDefinition,
  request: RegistrationRequest,
  inherited: NodeRecord | undefined,
): NodeRecord {
  const { nodeId } = request;
  const vtepIp = inherited?.vtepIp ?? freeVtep(state, 4, nodeId, space);
  const vtepIp6 =
    inherited?.vtepIp6 ?? (space.vtepSubnet6 === undefined ? undefined : freeVtep(state, 6, nodeId, space));
  return {
    id: nodeId,
    ip: request.ip,
    vtepIp,
    ...(vtepIp6 === undefined ? {} : { vtepIp6 }),
    vtepMac: inherited?.vtepMac ?? vtepMac(space.vtepMacOui, vtepIp),
    networks: completedNetworks(state, request, inherited?.networks ?? []),
    attributes: request.attributes,
  };
}

function freeVtep(
  state: PlannerState,
  family: 4 | 6,
  nodeId: NodeId,
  space: AddressSpaceDefinition,
): IpAddress {
  const address = state.pools.freeVtep(family, nodeId);
  if (address !== undefined) return address;
  const key = family === 4 ? 'vtep_subnet' : 'vtep_subnet6';
  const subnet = family === 4 ? space.vtepSubnet : space.vtepSubnet6;
  throw new OverlayError(
    'resource_exhausted',
    `no VTEP address is left in ${key} ${subnet}: enlarge it, or delete agents that are gone`,
  );
}

function completedNetworks(
  state: PlannerState,
  request: RegistrationRequest,
  held: readonly NodeNetwork[],
): readonly NodeNetwork[] {
  const networks = held
    .map((network) => withBridges(state, network, request))
    .filter((network) => network !== undefined);
  const known = new Set(held.map((network) => network.networkId));
  for (const network of state.records.networks.values()) {
    const { id } = network;
    if (known.has(id) || !givesBlocks(network)) continue;
    const prefixes = request.allocateSubnet ? state.pools.freeBlocks(id, request.nodeId) : [];
    if (prefixes === undefined) continue;
    const allocated = prefixes.length > 0;
    networks.push({
      networkId: id,
      prefixes,
      mesosBridge: allocated && request.mesosBridge,
      dockerBridge: allocated && request.dockerBridge,
    });
  }
  return networks;
}

/**
 * A bridge that is switched on later is allocated then; a former gateway gets its block then.
 * @returns undefined where no block is left for one: it lacks the network from then on, as others do.
 */
function withBridges(
  state: PlannerState,
  held: NodeNetwork,
  request: RegistrationRequest,
): NodeNetwork | undefined {
  const network = state.records.networks.get(held.networkId);
  if (!request.allocateSubnet || network === undefined || !givesBlocks(network)) return held;
  const prefixes =
    held.prefixes.length > 0 ? held.prefixes : (state.pools.freeBlocks(held.networkId, request.nodeId) ?? []);
  if (prefixes.length === 0) return undefined;
  return {
    networkId: held.networkId,
    prefixes,
    mesosBridge: held.mesosBridge || request.mesosBridge,
    dockerBridge: held.dockerBridge || request.dockerBridge,
  };
}

function changed(
  node: NodeRecord,
  known: NodeRecord,
  atAddress: NodeRecord | undefined,
): readonly Mutation[] {
  if (JSON.stringify(known) === JSON.stringify(node)) return [];
  const put: Mutation = { op: 'put', record: { kind: 'node', node } };
  if (atAddress !== undefined && atAddress.id !== node.id) {
    return [put, ...swappedAddresses(known, atAddress), ...addedClaims(known, node).filter(isNoAddressClaim)];
  }
  return [put, ...removedClaims(known, node), ...addedClaims(known, node)];
}

/**
 * A node that is new, or was deleted and returns within its quarantine: then its claims stand already, but the one on its
 * underlay address. One that is away and recorded there goes into quarantine, for it has no address any more.
 */
function arrived(
  node: NodeRecord,
  former: FormerNodeRecord | undefined,
  atAddress: NodeRecord | undefined,
): readonly Mutation[] {
  return [
    ...(atAddress === undefined ? [] : intoQuarantine(atAddress)),
    { op: 'create', record: { kind: 'node', node } },
    ...leftQuarantine(former),
    {
      op: atAddress === undefined ? 'create' : 'put',
      record: { kind: 'claim', claim: { resource: 'node-ip', value: node.ip, nodeId: node.id } },
    },
    ...addedClaims(former, node).filter(isNoAddressClaim),
  ];
}

function leftQuarantine(former: FormerNodeRecord | undefined): readonly Mutation[] {
  return former === undefined ? [] : [{ op: 'delete', ref: { kind: 'former-node', id: former.id } }];
}

/** An unknown node takes over the whole record that stands at its address, its claims included. */
function takenOver(node: NodeRecord, atAddress: NodeRecord): readonly Mutation[] {
  return [
    { op: 'create', record: { kind: 'node', node } },
    { op: 'delete', ref: { kind: 'node', id: atAddress.id } },
    ...inheritedClaims(node, atAddress),
  ];
}

function inheritedClaims(node: NodeRecord, former: NodeRecord): readonly Mutation[] {
  const moved = addedClaims(undefined, former).map((mutation): Mutation => {
    if (mutation.op === 'delete' || mutation.record.kind !== 'claim') return mutation;
    return { op: 'put', record: { kind: 'claim', claim: { ...mutation.record.claim, nodeId: node.id } } };
  });
  return [...moved, ...addedClaims(former, node)];
}

/**
 * A known node comes from the recorded address of another that is away. The one that is away gets the address
 * that became free, which is right when two hosts swapped theirs and is corrected by its own registration else; until
 * then it is marked as a guess.
 */
function swappedAddresses(known: NodeRecord, away: NodeRecord): readonly Mutation[] {
  const claim = (value: IpAddress, nodeId: NodeId): Mutation => ({
    op: 'put',
    record: { kind: 'claim', claim: { resource: 'node-ip', value, nodeId } },
  });
  return [
    { op: 'put', record: { kind: 'node', node: { ...away, ip: known.ip, guessedIp: true } } },
    claim(away.ip, known.id),
    claim(known.ip, away.id),
  ];
}

function isNoAddressClaim(mutation: Mutation): boolean {
  if (mutation.op === 'delete') {
    return !(mutation.ref.kind === 'claim' && mutation.ref.resource === 'node-ip');
  }
  return !(mutation.record.kind === 'claim' && mutation.record.claim.resource === 'node-ip');
}
