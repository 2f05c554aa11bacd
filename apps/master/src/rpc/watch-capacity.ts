import type {
  Capacity,
  NetworkServiceWatchCapacityRequest,
  NetworkServiceWatchCapacityResponse,
} from '@overlay/contracts';
import type { Clock } from '@overlay/service';
import type { Cluster } from '../cluster/cluster.js';
import { requireKnownNetwork } from './find-network.js';

/** Rows of one message: far below the largest message. */
const ROWS_PER_MESSAGE = 500;

/**
 * Every row of the capacity, in messages of which the last is marked as synced; then the rows that are new or
 * changed, at most ten messages a second, until the signal aborts.
 * @throws OverlayError `unavailable` before the log was loaded, `not_found` for an unknown network.
 */
export async function* watchCapacity(
  cluster: Cluster,
  { network }: NetworkServiceWatchCapacityRequest,
  { clock, signal }: { readonly clock: Pick<Clock, 'sleep'>; readonly signal: AbortSignal },
): AsyncGenerator<NetworkServiceWatchCapacityResponse> {
  cluster.requireLoaded();
  requireKnownNetwork(cluster, network);
  const changes = cluster.reports.capacities.watch({ network, clock, signal });
  let capacities: Capacity[] = [];
  for (const { id } of cluster.records.nodes.values()) {
    for (const row of cluster.reports.get(id)?.capacities ?? []) {
      if (network === '' || row.network === network) capacities.push(row);
    }
    if (capacities.length < ROWS_PER_MESSAGE) continue;
    yield { capacities, synced: false };
    capacities = [];
  }
  yield { capacities, synced: true };
  for await (const rows of changes) {
    for (let start = 0; start < rows.length; start += ROWS_PER_MESSAGE) {
      yield { capacities: rows.slice(start, start + ROWS_PER_MESSAGE), synced: false };
    }
  }
}
