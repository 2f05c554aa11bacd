import type { Container } from '@overlay/contracts';
import { halfWord } from '../half-word.js';
import { renderTable } from './render-table.js';

/** The containers as a table. */
export function renderContainers(containers: readonly Container[]): string {
  if (containers.length === 0) return 'no agent reports a container';
  return renderTable(
    ['CONTAINER', 'NETWORK', 'IP', 'IP6', 'AGENT', 'HALF', 'INTERFACE'],
    containers.map(({ containerId, network, ip, ip6, agentIp, half, interface: device }) => [
      containerId,
      network,
      ip,
      ip6,
      agentIp,
      halfWord(half),
      device,
    ]),
  );
}
