import type { Agent } from '@overlay/contracts';
import type { MasterClient } from '../connect-master.js';
import { readAllPages } from '../read-pages.js';

/** Every agent of the cluster in the order of the VTEP addresses, page by page. */
export function readAgents(master: MasterClient): Promise<readonly Agent[]> {
  return readAllPages(async (pageToken) => {
    const { agents, nextPageToken } = await master.listAgents({ pageSize: 0, pageToken });
    return { items: agents, nextPageToken };
  });
}
