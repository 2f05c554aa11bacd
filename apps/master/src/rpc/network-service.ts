import { addressToInteger } from '@overlay/allocation';
import {
  type Capacity,
  type Container,
  type DeleteAgentsRequest,
  type GetStateRequest,
  GetStateResponse,
  type ListAgentsRequest,
  type ListContainersRequest,
  type ListNetworksRequest,
  type NetworkServiceGetCapacityRequest,
  NetworkServiceService,
} from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { NetworkId, NodeRecord } from '@overlay/model';
import {
  type CallContext,
  type InternalErrorListener,
  implementService,
  type RpcService,
} from '@overlay/rpc';
import type { Clock } from '@overlay/service';
import type { ProbeExchange } from '../agents/probe-exchange.js';
import type { Cluster } from '../cluster/cluster.js';
import { deleteAgents } from '../cluster/delete-agents.js';
import { STALE_HEADER } from '../stale-text.js';
import { findNetwork, requireKnownNetwork } from './find-network.js';
import { createNetwork, deleteNetwork, updateNetwork } from './network-changes.js';
import { pageOf } from './pagination.js';
import { parseIps } from './parse-registration.js';
import { probeContainer } from './probe-container.js';
import { watchCapacity } from './watch-capacity.js';

/** What the service works on. */
export interface NetworkServiceDeps {
  readonly cluster: Cluster;
  /** Why what this master knows may be out of date; '' while it is current. */
  readonly stale: () => string;
  /** Makes an id that no network ever had. */
  readonly newNetworkId: () => NetworkId;
  readonly probes: ProbeExchange;
  readonly clock: Pick<Clock, 'sleep'>;
  /** True if only programs of this machine reach the listener, through a socket of the file system. */
  readonly isLocal: boolean;
  readonly onInternalError: InternalErrorListener;
}

/** Largest answer of `GetState`; clients refuse messages above 4 MiB by default. */
const MAX_STATE_BYTES = 1024 * 1024;

/** What frameworks and operators ask of a master: `overlay.v1.NetworkService`. */
export function networkService(deps: NetworkServiceDeps): RpcService {
  const { cluster, clock, onInternalError, stale } = deps;
  const tellDoubt = (call: CallContext) => {
    const doubt = stale();
    if (doubt !== '') call.sendHeader(STALE_HEADER, doubt);
  };
  const read =
    <Request, Response>(answer: (request: Request) => Response) =>
    async (request: Request, call: CallContext) => {
      tellDoubt(call);
      return answer(request);
    };
  return implementService(
    NetworkServiceService,
    {
      listNetworks: read((request) => listNetworks(cluster, request)),
      getNetwork: read(({ name }) => ({ network: findNetwork(cluster, name) })),
      createNetwork: (request) => createNetwork(deps, request.spec),
      updateNetwork: (request) => updateNetwork(cluster, request.spec),
      deleteNetwork: (request) => deleteNetwork(cluster, request),
      listAgents: read((request) => listAgents(cluster, request)),
      deleteAgents: (request) => deleteByAddress(cluster, request),
      listContainers: read((request) => listContainers(cluster, request)),
      getCapacity: read((request) => getCapacity(cluster, request)),
      watchCapacity: (request, call) => {
        tellDoubt(call);
        return watchCapacity(cluster, request, { clock, signal: call.signal });
      },
      probeContainer: (request, call) => {
        const trusted = deps.isLocal || call.isAuthenticated();
        return probeContainer(cluster, deps.probes, request, { trusted, signal: call.signal });
      },
      getState: read((request) => getState(cluster, request)),
    },
    onInternalError,
  );
}

function listNetworks(cluster: Cluster, { pageSize, pageToken }: ListNetworksRequest) {
  const networks = cluster.networks();
  const page = pageOf(networks, ({ spec }) => spec?.name ?? '', { pageSize, pageToken, defaultSize: 500 });
  return { networks: [...page.items], nextPageToken: page.nextPageToken };
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

function getState(cluster: Cluster, { withoutAgents = false }: GetStateRequest): GetStateResponse {
  const state = {
    addressSpace: cluster.addressSpace(),
    networks: [...cluster.networks()],
    agents: withoutAgents ? [] : nodesInOrder(cluster).map((node) => cluster.agent(node)),
  };
  const bytes = GetStateResponse.encode(state).finish().length;
  if (bytes <= MAX_STATE_BYTES) return state;
  const message = `the state of ${state.agents.length} agents has ${bytes} bytes, above the limit of ${MAX_STATE_BYTES}`;
  throw new OverlayError('failed_precondition', `${message}: use ListAgents, page by page`);
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
