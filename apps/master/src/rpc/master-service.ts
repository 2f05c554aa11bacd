import {
  MasterServiceService,
  type RegisterAgentRequest,
  type ReportAgentRequest,
  type WatchTopologyRequest,
} from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { NodeId } from '@overlay/model';
import {
  type CallContext,
  type InternalErrorListener,
  implementService,
  type RpcService,
} from '@overlay/rpc';
import type { Clock } from '@overlay/service';
import { REPORT_WITHIN_MS } from '../agents/agent-reports.js';
import type { ProbeExchange } from '../agents/probe-exchange.js';
import type { Cluster } from '../cluster/cluster.js';
import { planRemovedNetworks } from '../cluster/plan-network-removal.js';
import { planRegistration } from '../cluster/plan-registration.js';
import type { MasterMetrics } from '../master-metrics.js';
import { STALE_HEADER } from '../stale-text.js';
import { RegistrationEncoder } from './encode-registration.js';
import { parseNodeIdField, parseRegistration } from './parse-registration.js';

/** What the service works on. */
export interface MasterServiceDeps {
  readonly cluster: Cluster;
  /** Why what this master knows may be out of date; '' while it is current. */
  readonly stale: () => string;
  readonly probes: ProbeExchange;
  readonly clock: Clock;
  readonly metrics: MasterMetrics;
  readonly onInternalError: InternalErrorListener;
}

/** The agents' side of the master: `overlay.v1.MasterService`. */
export function masterService(deps: MasterServiceDeps): RpcService {
  const encoder = new RegistrationEncoder();
  return implementService(
    MasterServiceService,
    {
      registerAgent: (request) => registerAgent(deps, encoder, request),
      reportAgent: (request) => reportAgent(deps, request),
      watchProbes: (request, call) => watchProbes(deps, request.nodeId, call),
      answerProbe: async ({ nodeId, probeId, outcome }) => {
        deps.probes.answer(parseNodeIdField(nodeId), probeId, outcome);
        return {};
      },
      watchTopology: (request, call) => watchTopology(deps, request, call),
    },
    deps.onInternalError,
  );
}

async function registerAgent(
  { cluster, metrics }: MasterServiceDeps,
  encoder: RegistrationEncoder,
  message: RegisterAgentRequest,
): Promise<Buffer> {
  metrics.registrations.inc();
  try {
    const request = parseRegistration(message);
    const session = message.session ?? '';
    const { connections } = cluster;
    const { node, revision } = await cluster.submit((state) => {
      const plan = planRegistration(state, request, {
        isConnected: (id) =>
          connections.isConnected(id) && !(id === request.nodeId && connections.isOwnSession(id, session)),
      });
      // A new node has no stream yet, and must not count as away since this master leads.
      connections.noteSeen(request.nodeId);
      return {
        mutations: plan.mutations,
        answer: (committed) => ({ node: plan.node, revision: committed }),
      };
    });
    connections.noteSession(node.id, session);
    return encoder.encode(cluster.assignment(node), cluster.definitions(), revision);
  } catch (error) {
    metrics.registrationFailures.inc();
    throw error;
  }
}

async function reportAgent({ cluster, clock }: MasterServiceDeps, request: ReportAgentRequest) {
  const nodeId = parseNodeIdField(request.nodeId);
  cluster.requireLoaded();
  const states = new Map(
    request.networks.flatMap(({ networkId, state }) =>
      state === undefined ? [] : [[networkId, state] as const],
    ),
  );
  const agentIp = cluster.records.nodes.get(nodeId)?.ip ?? '';
  cluster.report(nodeId, {
    states,
    containers: request.containers.map((container) => ({ ...container, agentIp })),
    capacities: request.capacities.map((capacity) => ({ ...capacity, agentIp, silent: false })),
    receivedAtMs: clock.nowMs(),
  });
  // Agents report to every master; only the leader acts on it.
  if (cluster.leads && request.removedNetworkIds.length > 0) {
    const ids = request.removedNetworkIds;
    await cluster.submit((state) => ({
      mutations: planRemovedNetworks(state, nodeId, ids),
      answer: () => undefined,
    }));
  }
  const registerAgain = cluster.leads && gainsByRegistering(cluster, nodeId);
  return { registerAgain, nextReportWithinMs: REPORT_WITHIN_MS };
}

/** A node that could get no block in a network learns in this way that one is free again, which no topology tells. */
function gainsByRegistering({ records }: Cluster, nodeId: NodeId): boolean {
  const node = records.nodes.get(nodeId);
  return node === undefined || records.hasMoreFor(node);
}

/** Orders come from the leader alone: a follower sends the agent there. */
async function* watchProbes({ cluster, probes }: MasterServiceDeps, nodeIdText: string, call: CallContext) {
  cluster.requireLoaded();
  cluster.requireLeading();
  const nodeId = parseNodeIdField(nodeIdText);
  requireRegistered(cluster, nodeId, 'register it first');
  const term = cluster.term;
  const signal = term === undefined ? call.signal : AbortSignal.any([call.signal, term]);
  yield* probes.orders(nodeId, call.isAuthenticated(), signal);
}

function requireRegistered(cluster: Cluster, nodeId: NodeId, wayOut: string): void {
  if (cluster.records.nodes.has(nodeId)) return;
  throw new OverlayError('failed_precondition', `node ${nodeId} is not registered: ${wayOut}`);
}

async function* watchTopology(
  { cluster, stale }: MasterServiceDeps,
  { nodeId: nodeIdText, fromRevision, fromTerm = '' }: WatchTopologyRequest,
  call: CallContext,
) {
  cluster.requireLoaded();
  const from = { revision: fromRevision, term: fromTerm };
  const doubt = stale();
  if (doubt !== '') call.sendHeader(STALE_HEADER, doubt);
  if (nodeIdText === '') {
    yield* cluster.topology.watch(from, call.signal);
    return;
  }
  const nodeId = parseNodeIdField(nodeIdText);
  requireRegistered(cluster, nodeId, 'register it first, or watch without a node_id');
  const term = cluster.term;
  const close = cluster.connections.open(nodeId);
  try {
    const signal = term === undefined ? call.signal : AbortSignal.any([call.signal, term]);
    yield* cluster.topology.watch(from, signal);
    if (term?.aborted) throw new OverlayError('aborted', 'this master stopped leading: go to the leader');
  } finally {
    close();
  }
}
