import type { GetOverlaysResponse, GetStatusResponse } from '@overlay/contracts';
import type { HostPart, HostStatus } from '../host-status.js';
import { statusWord } from '../status-word.js';
import { renderAgentNetworks } from './render-agents.js';
import { renderCapacities } from './render-capacities.js';
import { renderFacts, renderTable } from './render-table.js';

/** How a host stands: agent, dataplane, addresses. */
export function renderHostStatus({ agent, dataplane, ipam }: HostStatus): string {
  return [
    section('overlay-agent', agent, renderAgentPart),
    section('overlay-dataplane', dataplane, renderDataplanePart),
    section('overlay-ipam', ipam, ({ capacities }) =>
      capacities.length === 0 ? 'it has no pools' : renderCapacities(capacities),
    ),
  ].join('\n\n');
}

function section<T>(title: string, part: HostPart<T>, render: (answer: T) => string): string {
  return `${title}\n${part.kind === 'answered' ? render(part.answer) : 'no answer'}`;
}

function renderAgentPart({ assignment, connected, configurationAttempts }: GetOverlaysResponse): string {
  if (assignment === undefined) return 'it has not registered with a master yet';
  const facts = renderFacts([
    ['ip', assignment.ip],
    ['node id', assignment.nodeId],
    ['master', connected ? 'connected' : 'not connected'],
    ['VTEP', assignment.vtep === undefined ? '' : `${assignment.vtep.ip}, ${assignment.vtep.mac}`],
    ['configured', `${configurationAttempts} times`],
  ]);
  return `${facts}\n${renderAgentNetworks(assignment.networks)}`;
}

function renderDataplanePart(status: GetStatusResponse): string {
  if (!status.configured) return 'it has not been told what to configure yet';
  const facts = renderFacts([
    ['peers', String(status.peers)],
    ['revision', String(status.appliedRevision)],
    ['networks', status.networks.map(({ network, state }) => `${network} ${statusWord(state)}`).join(', ')],
  ]);
  const objects = renderTable(
    ['KIND', 'DESIRED', 'PRESENT', 'FAILED'],
    status.objects.map((row) => [row.kind, String(row.desired), String(row.present), String(row.failed)]),
  );
  const failures = renderTable(
    ['KIND', 'OBJECT', 'ERROR'],
    status.failures.map(({ kind, object, error }) => [kind, object, error]),
  );
  const warnings = status.warnings.map((warning) => `warning: ${warning}`);
  return [facts, ...warnings, objects, ...(status.failures.length === 0 ? [] : [failures])].join('\n');
}
