import { Container, type ListContainersRequest, type ListContainersResponse } from '@overlay/contracts';
import type { Cluster } from '../cluster/cluster.js';
import { requireKnownNetwork } from './find-network.js';
import { pageOf } from './pagination.js';
import { parseIpField } from './parse-fields.js';

/**
 * A page of the containers. One with `agent_ip` finds the agent's rows; one with `network` looks at a bounded number, see
 * {@link pageOf}.
 * @throws OverlayError `unavailable` before the log was loaded; `invalid_argument` naming a wrong field; `not_found` for an
 * unknown network.
 */
export function listContainers(
  cluster: Pick<Cluster, 'networks' | 'reports' | 'requireLoaded'>,
  request: ListContainersRequest,
): ListContainersResponse {
  cluster.requireLoaded();
  requireKnownNetwork(cluster, request.network);
  // Reports have addresses in their one short spelling.
  const agentIp = request.agentIp === '' ? '' : parseIpField('agent_ip', request.agentIp);
  const page = pageOf(
    {
      after: (key) => cluster.reports.containerRows.after(key, agentIp),
      keyOf: ({ key }) => key,
      matches: ({ row }) => request.network === '' || row.network === request.network,
      bytesOf: ({ row }) => Container.encode(row).finish().length,
    },
    { ...request, defaultSize: 500 },
  );
  return { containers: page.items.map(({ row }) => row), nextPageToken: page.nextPageToken };
}
