import type { GetOverlaysResponse, GetStatusResponse } from '@overlay/contracts';
import { renderDcosAgent } from '@overlay/model';
import type { HostPart, HostStatus } from '../host-status.js';
import { statusWord } from '../status-word.js';
import { capacityJson } from './capacity-json.js';

/** A host's status for programs: one object per process, `{"error": reason}` for one that gave no answer. */
export function hostStatusJson({ agent, dataplane, ipam }: HostStatus) {
  return {
    agent: partJson(agent, agentPartJson),
    dataplane: partJson(dataplane, dataplanePartJson),
    ipam: partJson(ipam, ({ capacities }) => ({ capacities: capacities.map(capacityJson) })),
  };
}

function partJson<T, J>(part: HostPart<T>, render: (answer: T) => J): J | { readonly error: string } {
  return part.kind === 'answered' ? render(part.answer) : { error: part.reason };
}

function agentPartJson({ assignment, connected, configurationAttempts }: GetOverlaysResponse) {
  return {
    connected,
    configuration_attempts: configurationAttempts,
    ...(assignment === undefined ? {} : { node_id: assignment.nodeId, ...renderDcosAgent(assignment) }),
  };
}

function dataplanePartJson(status: GetStatusResponse) {
  return {
    configured: status.configured,
    peers: Number(status.peers),
    applied_revision: String(status.appliedRevision),
    networks: status.networks.map(({ network, state }) => ({
      name: network,
      status: statusWord(state),
      ...(state === undefined || state.error === '' ? {} : { error: state.error }),
    })),
    objects: status.objects.map(({ kind, desired, present, failed }) => ({
      kind,
      desired: Number(desired),
      present: Number(present),
      failed: Number(failed),
    })),
    failures: status.failures.map(({ kind, object, error }) => ({ kind, object, error })),
    warnings: status.warnings,
  };
}
