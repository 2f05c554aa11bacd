import { addressToInteger } from '@overlay/allocation';
import {
  type Capacity,
  type Container,
  type DeleteAgentsRequest,
  GetStateResponse,
  type ListAgentsRequest,
  type ListContainersRequest,
  type ListNetworksRequest,
  type NetworkServiceGetCapacityRequest,
  NetworkServiceService,
} from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { type NetworkId, type NodeRecord, parseNetworkName } from '@overlay/model';
import {
  type CallContext,
  type InternalErrorListener,
  implementService,
  type RpcService,
} from '@overlay/rpc';
import type { Cluster } from '../cluster/cluster.js';
import { deleteAgents } from '../cluster/delete-agents.js';
import { STALE_HEADER } from '../stale-text.js';
import { createNetwork, deleteNetwork, updateNetwork } from './network-changes.js';
import { pageOf } from './pagination.js';
import { parseIps } from './parse-registration.js';

/** What the service works on. */
export interface NetworkServiceDeps {
  readonly cluster: Cluster;
  /** Why what this master knows may be out of date; '' while it is current. */
  readonly stale: () => string;
  /** Makes an id that no network ever had. */
  readonly newNetworkId: () => NetworkId;
  readonly onInternalError: InternalErrorListener;
}

/** Largest answer of `GetState`; clients refuse messages above 4 MiB by default. */
const MAX_STATE_BYTES = 1024 * 1024;

/**
 * What frameworks and operators ask of a master: `overlay.v1.NetworkService`. Watching capacity is not part of it
 * yet and answers UNIMPLEMENTED.
 */
export function networkService(deps: NetworkServiceDeps): RpcService {
  const { cluster, onInternalError, stale } = deps;
  const read =
    <Request, Response>(answer: (request: Request) => Response) =>
    async (request: Request, call: CallContext) => {
      const doubt = stale();
      if (doubt !== '') call.sendHeader(STALE_HEADER, doubt);
      return answer(request);
    };
  return implementService(
    NetworkServiceService,
    {
      listNetworks: read((request) => listNetworks(cluster, request)),
      getNetwork: read(({ name }) => getNetwork(cluster, name)),
      createNetwork: (request) => createNetwork(deps, request.spec),
      updateNetwork: (request) => updateNetwork(cluster, request.spec),
      deleteNetwork: (request) => deleteNetwork(cluster, request),
      listAgents: read((request) => listAgents(cluster, request)),
      deleteAgents: (request) => deleteByAddress(cluster, request),
      listContainers: read((request) => listContainers(cluster, request)),
      getCapacity: read((request) => getCapacity(cluster, request)),
      getState: read(() => getState(cluster)),
    },
    onInternalError,
  );
}

function listNetworks(cluster: Cluster, { pageSize, pageToken }: ListNetworksRequest) {
  const networks = cluster.networks();
  const page = pageOf(networks, ({ spec }) => spec?.name ?? '', { pageSize, pageToken, defaultSize: 500 });
  return { networks: [...page.items], nextPageToken: page.nextPageToken };
}

function getNetwork(cluster: Cluster, name: string) {
  const network = cluster.networks().find(({ spec }) => spec?.name === name);
  if (network !== undefined) return { network };
  if (name === '') throw OverlayError.invalid([{ field: 'name', description: 'is empty: name a network' }]);
  const names = cluster.networks().map(({ spec }) => spec?.name ?? '');
  throw new OverlayError('not_found', `there is no network "${name}"; there are: ${names.join(', ')}`);
}

function listAgents(cluster: Cluster, { pageSize, pageToken }: ListAgentsRequest) {
  const page = pageOf(nodesInOrder(cluster), vtepKey, { pageSize, pageToken, defaultSize: 200 });
  return {
    agents: page.items.map((node) => cluster.agent(node)),
    nextPageToken: page.nextPageToken,
  };
}

async function deleteByAddress(cluster: Cluster, request: DeleteAgentsRequest) {
  const ips = parseIps('ips', request.ips);
  if (ips.length === 0) {
    throw OverlayError.invalid([{ field: 'ips', description: 'is empty: name the agents that shall go' }]);
  }
  const deleted = await deleteAgents(cluster, { ips, force: request.force });
  return { deletedIps: deleted.map(({ ip }) => ip) };
}

function listContainers(cluster: Cluster, request: ListContainersRequest) {
  requireKnownNetwork(cluster, request.network);
  const containers = nodesInOrder(cluster)
    .flatMap((node) => cluster.reports.get(node.id)?.containers ?? [])
    .filter(({ network }) => request.network === '' || network === request.network)
    .filter(({ agentIp }) => request.agentIp === '' || agentIp === request.agentIp)
    .map((container) => ({ container, key: containerKey(container) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const { pageSize, pageToken } = request;
  const page = pageOf(containers, ({ key }) => key, { pageSize, pageToken, defaultSize: 500 });
  return { containers: page.items.map(({ container }) => container), nextPageToken: page.nextPageToken };
}

function getCapacity(cluster: Cluster, request: NetworkServiceGetCapacityRequest) {
  requireKnownNetwork(cluster, request.network);
  const rows = nodesInOrder(cluster)
    .flatMap((node) => cluster.reports.get(node.id)?.capacities ?? [])
    .filter(({ network }) => request.network === '' || network === request.network)
    .filter(({ free }) => free >= request.minFree)
    .map((capacity) => ({ capacity, key: capacityKey(capacity) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const { pageSize, pageToken } = request;
  const page = pageOf(rows, ({ key }) => key, { pageSize, pageToken, defaultSize: 500 });
  return { capacities: page.items.map(({ capacity }) => capacity), nextPageToken: page.nextPageToken };
}

function getState(cluster: Cluster): GetStateResponse {
  const state = {
    addressSpace: cluster.addressSpace(),
    networks: [...cluster.networks()],
    agents: nodesInOrder(cluster).map((node) => cluster.agent(node)),
  };
  const bytes = GetStateResponse.encode(state).finish().length;
  if (bytes <= MAX_STATE_BYTES) return state;
  const message = `the state of ${state.agents.length} agents has ${bytes} bytes, above the limit of ${MAX_STATE_BYTES}`;
  throw new OverlayError('failed_precondition', `${message}: use ListAgents, page by page`);
}

function requireKnownNetwork(cluster: Cluster, name: string): void {
  if (name !== '') parseNetworkName(name);
  if (name !== '' && !cluster.networks().some(({ spec }) => spec?.name === name)) getNetwork(cluster, name);
}

/** Agents in the order of their VTEP addresses, which is the order in which they first registered. */
export function nodesInOrder(cluster: Cluster): readonly NodeRecord[] {
  cluster.requireLoaded();
  return [...cluster.records.nodes.values()]
    .map((node) => ({ node, key: vtepKey(node) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ node }) => node);
}

function vtepKey(node: NodeRecord): string {
  return addressToInteger(node.vtepIp).toString(16).padStart(8, '0');
}

function containerKey({ agentIp, network, containerId, interface: device }: Container): string {
  return [agentIp, network, containerId, device].join('\n');
}

function capacityKey({ agentIp, network, half, family }: Capacity): string {
  return [agentIp, network, half, family].join('\n');
}
