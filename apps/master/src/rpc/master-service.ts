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
  requireNode,
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
import { parseNodeIdField } from './parse-fields.js';
import { parseRegistration } from './parse-registration.js';

/** What the service works on. */
export interface MasterServiceDeps {
  readonly cluster: Cluster;
  /** Why what this master knows may be out of date; '' while it is current. */
  readonly stale: () => string;
  readonly probes: ProbeExchange;
  /** True if only the holder of a node's certificate may speak for a node. */
  readonly nodeCertificates: boolean;
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
      registerAgent: (request, call) => registerAgent(deps, encoder, request, call),
      reportAgent: (request, call) => reportAgent(deps, request, call),
      watchProbes: (request, call) => watchProbes(deps, request.nodeId, call),
      answerProbe: async ({ nodeId, probeId, outcome }, call) => {
        deps.probes.answer(callingNode(deps, nodeId, call), probeId, outcome);
        return {};
      },
      watchTopology: (request, call) => watchTopology(deps, request, call),
    },
    deps.onInternalError,
  );
}

/** The node that a request is about, if the caller may speak for it. */
function callingNode({ nodeCertificates }: MasterServiceDeps, text: string, call: CallContext): NodeId {
  const nodeId = parseNodeIdField(text);
  requireNode(call, { nodeId, certificateRequired: nodeCertificates });
  return nodeId;
}

async function registerAgent(
  { cluster, metrics, nodeCertificates }: MasterServiceDeps,
  encoder: RegistrationEncoder,
  message: RegisterAgentRequest,
  call: CallContext,
): Promise<Buffer> {
  metrics.registrations.inc();
  try {
    const request = parseRegistration(message);
    const { nodeId, ip } = request;
    requireNode(call, { nodeId, ip, certificateRequired: nodeCertificates });
    const session = message.session ?? '';
    const { connections } = cluster;
    const { node, revision } = await cluster.submit((state) => {
      const plan = planRegistration(state, request, {
        isConnected: (id) =>
          connections.isConnected(id) && !(id === nodeId && connections.isOwnSession(id, session)),
      });
      // A new node has no stream yet, and must not count as away since this master leads.
      connections.noteSeen(nodeId);
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

async function reportAgent(deps: MasterServiceDeps, request: ReportAgentRequest, call: CallContext) {
  const { cluster, clock } = deps;
  const nodeId = callingNode(deps, request.nodeId, call);
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
    capacities: request.capacities.map((capacity) => ({ ...capacity, agentIp })),
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
async function* watchProbes(deps: MasterServiceDeps, nodeIdText: string, call: CallContext) {
  const { cluster, probes } = deps;
  cluster.requireLoaded();
  cluster.requireLeading();
  const nodeId = callingNode(deps, nodeIdText, call);
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
  deps: MasterServiceDeps,
  { nodeId: nodeIdText, fromRevision, fromTerm = '' }: WatchTopologyRequest,
  call: CallContext,
) {
  const { cluster, stale } = deps;
  cluster.requireLoaded();
  const from = { revision: fromRevision, term: fromTerm };
  const doubt = stale();
  if (doubt !== '') call.sendHeader(STALE_HEADER, doubt);
  if (nodeIdText === '') {
    yield* cluster.topology.watch(from, call.signal);
    return;
  }
  const nodeId = callingNode(deps, nodeIdText, call);
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
