import { parseIpAddress } from '@overlay/allocation';
import type {
  NetworkServiceProbeContainerRequest,
  NetworkServiceProbeContainerResponse,
} from '@overlay/contracts';
import { isFailure, OverlayError } from '@overlay/failure';
import type { NodeRecord } from '@overlay/model';
import type { ProbeExchange } from '../agents/probe-exchange.js';
import type { Cluster } from '../cluster/cluster.js';
import { parseIpField } from './parse-fields.js';

/** Who asks for a probe. */
export interface ProbeCaller {
  /** True if a local socket or a certificate vouches for the caller. */
  readonly trusted: boolean;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal;
}

/** What a probe may take if it does not say; the agent's own default. */
const DEFAULT_TIMEOUT_MS = 5_000;
/** The agent bounds a probe by this. */
const MAX_TIMEOUT_MS = 60_000;
/** How much longer the answer may be on its way. */
const GRACE_MS = 3_000;

/**
 * Has the agent that owns a container probe it.
 * @throws OverlayError `unavailable` on a follower, with the leader's address; `not_found` if no agent reported the
 * container; `failed_precondition` if several did; and what {@link ProbeExchange.probe} throws.
 */
export async function probeContainer(
  cluster: Cluster,
  probes: ProbeExchange,
  request: NetworkServiceProbeContainerRequest,
  { trusted, signal }: ProbeCaller,
): Promise<NetworkServiceProbeContainerResponse> {
  cluster.requireLoaded();
  cluster.requireLeading();
  const { probe } = request;
  if (probe === undefined || probe.container === '') {
    throw OverlayError.invalid([
      { field: 'probe.container', description: 'is empty: give a container id or an address' },
    ]);
  }
  if (probe.probe?.$case === 'command' && !trusted) {
    const message = 'a command is not taken over an open connection: come with a client certificate';
    throw new OverlayError('permission_denied', message);
  }
  const node = ownerOf(cluster, probe.container, request.agentIp);
  const timeoutMs = probe.timeoutMs === 0 ? DEFAULT_TIMEOUT_MS : Math.min(probe.timeoutMs, MAX_TIMEOUT_MS);
  const result = await probes.probe(node.id, { probe, waitMs: timeoutMs + GRACE_MS, signal });
  return { result, agentIp: node.ip };
}

function ownerOf(cluster: Cluster, container: string, agentIpText: string): NodeRecord {
  const agentIp = agentIpText === '' ? undefined : parseIpField('agent_ip', agentIpText);
  const owners = cluster.reports.containers
    .nodesWith(spellingOfReports(container))
    .flatMap((id) => cluster.records.nodes.get(id) ?? [])
    .filter(({ ip }) => agentIp === undefined || ip === agentIp);
  const [owner] = owners;
  if (owner === undefined) {
    const where = agentIp === undefined ? 'no agent has' : `the agent at ${agentIp} has not`;
    throw new OverlayError('not_found', `${where} reported a container "${container}"`);
  }
  if (owners.length === 1) return owner;
  const ips = owners.map(({ ip }) => ip).join(', ');
  const message = `several agents have a container "${container}": name one in agent_ip, of ${ips}`;
  throw new OverlayError('failed_precondition', message);
}

/** Addresses are reported in their one short spelling; everything else is an id. */
function spellingOfReports(container: string): string {
  try {
    return parseIpAddress(container);
  } catch (thrown) {
    if (isFailure(thrown, 'invalid_argument')) return container;
    throw thrown;
  }
}
