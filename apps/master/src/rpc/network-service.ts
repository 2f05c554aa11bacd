import {
  Agent,
  type DeleteAgentsRequest,
  type GetStateRequest,
  GetStateResponse,
  type ListAgentsRequest,
  type ListNetworksRequest,
  type Network,
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
  requireOperator,
} from '@overlay/rpc';
import type { Clock } from '@overlay/service';
import { hasRoom } from '../agents/has-room.js';
import type { ProbeExchange } from '../agents/probe-exchange.js';
import type { Cluster } from '../cluster/cluster.js';
import { vtepNumber } from '../cluster/cluster-records.js';
import { deleteAgents } from '../cluster/delete-agents.js';
import { STALE_HEADER } from '../stale-text.js';
import { findNetwork, requireKnownNetwork } from './find-network.js';
import { listContainers } from './list-containers.js';
import { createNetwork, deleteNetwork, updateNetwork } from './network-changes.js';
import { pageOf, refuseToken } from './pagination.js';
import { parseIps } from './parse-fields.js';
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
  const change =
    <Request, Response>(method: string, answer: (request: Request, call: CallContext) => Promise<Response>) =>
    async (request: Request, call: CallContext) => {
      requireOperator(call, method);
      return answer(request, call);
    };
  return implementService(
    NetworkServiceService,
    {
      listNetworks: read((request) => listNetworks(cluster, request)),
      getNetwork: read(({ name }) => ({ network: findNetwork(cluster, name) })),
      createNetwork: change('CreateNetwork', ({ spec }) => createNetwork(deps, spec)),
      updateNetwork: change('UpdateNetwork', ({ spec }) => updateNetwork(cluster, spec)),
      deleteNetwork: change('DeleteNetwork', (request, { signal }) => deleteNetwork(deps, request, signal)),
      listAgents: read((request) => listAgents(cluster, request)),
      deleteAgents: change('DeleteAgents', (request) => deleteByAddress(cluster, request)),
      listContainers: read((request) => listContainers(cluster, request)),
      getCapacity: read((request) => getCapacity(cluster, request)),
      watchCapacity: (request, call) => {
        tellDoubt(call);
        return watchCapacity(cluster, request, { clock, signal: call.signal });
      },
      probeContainer: change('ProbeContainer', (request, call) => {
        const trusted = deps.isLocal || call.isAuthenticated();
        return probeContainer(cluster, deps.probes, request, { trusted, signal: call.signal });
      }),
      getState: read((request) => getState(cluster, request)),
    },
    onInternalError,
  );
}

function listNetworks(cluster: Cluster, request: ListNetworksRequest) {
  const networks = cluster.networks();
  const nameOf = ({ spec }: Network) => spec?.name ?? '';
  // Few enough that leaving out those before the page is cheaper than keeping an order of them.
  const after = (key = '') => networks.filter((network) => nameOf(network) > key);
  const page = pageOf({ after, keyOf: nameOf }, { ...request, defaultSize: 500 });
  return { networks: [...page.items], nextPageToken: page.nextPageToken };
}

function listAgents(cluster: Cluster, request: ListAgentsRequest) {
  cluster.requireLoaded();
  const from = (key?: string) => (key === undefined ? 0 : parseVtepKey(key, request.pageToken) + 1);
  function* after(key?: string) {
    for (const node of cluster.records.nodesFrom(from(key))) yield { node, agent: cluster.agent(node) };
  }
  const page = pageOf(
    {
      after,
      keyOf: ({ node }) => vtepKey(node),
      bytesOf: ({ agent }) => Agent.encode(agent).finish().length,
    },
    { ...request, defaultSize: 200 },
  );
  return { agents: page.items.map(({ agent }) => agent), nextPageToken: page.nextPageToken };
}

async function deleteByAddress(cluster: Cluster, request: DeleteAgentsRequest) {
  const ips = parseIps('ips', request.ips);
  if (ips.length === 0) {
    throw OverlayError.invalid([{ field: 'ips', description: 'is empty: name the agents that shall go' }]);
  }
  const deleted = await deleteAgents(cluster, { ips, force: request.force });
  return { deletedIps: deleted.map(({ ip }) => ip) };
}

/** A page with `network` or `min_free` looks at a bounded number of rows, see {@link pageOf}. */
function getCapacity(cluster: Cluster, request: NetworkServiceGetCapacityRequest) {
  cluster.requireLoaded();
  requireKnownNetwork(cluster, request.network);
  const { capacityRows } = cluster.reports;
  const page = pageOf(
    {
      after: (key) => capacityRows.after(key),
      keyOf: ({ key }) => key,
      matches: ({ row }) =>
        (request.network === '' || row.network === request.network) &&
        hasRoom(capacityRows, row, request.minFree),
    },
    { ...request, defaultSize: 500 },
  );
  return { capacities: page.items.map(({ row }) => row), nextPageToken: page.nextPageToken };
}

function getState(cluster: Cluster, { withoutAgents = false }: GetStateRequest): GetStateResponse {
  const state = {
    addressSpace: cluster.addressSpace(),
    networks: [...cluster.networks()],
    agents: withoutAgents ? [] : Array.from(cluster.records.nodesFrom(), (node) => cluster.agent(node)),
  };
  const bytes = GetStateResponse.encode(state).finish().length;
  if (bytes <= MAX_STATE_BYTES) return state;
  const message = `the state of ${state.agents.length} agents has ${bytes} bytes, above the limit of ${MAX_STATE_BYTES}`;
  throw new OverlayError('failed_precondition', `${message}: use ListAgents, page by page`);
}

function vtepKey(node: NodeRecord): string {
  return vtepNumber(node).toString(16).padStart(8, '0');
}

function parseVtepKey(key: string, token: string): number {
  return /^[0-9a-f]{8}$/.test(key) ? Number.parseInt(key, 16) : refuseToken(token);
}
