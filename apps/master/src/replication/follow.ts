import { isFailure } from '@overlay/failure';
import { until } from '@overlay/rpc';
import { loadCluster } from '../cluster/load-cluster.js';
import { planStartup } from '../cluster/plan-startup.js';
import type { ReplicaDeps } from './replica-deps.js';

/**
 * Follows the log until the signal aborts: loads it, then applies every commit as it happens. Loads it again where
 * the history before is gone. A master that is elected meanwhile, as a lone one is at once, does not wait for the end
 * of a load that it would throw away: it loads the log once, as the leader.
 * @throws OverlayError `failed_precondition` if configuration and log contradict each other, what the log throws, and
 * `aborted` if the signal called a load off.
 */
export async function follow(deps: ReplicaDeps, signal: AbortSignal): Promise<void> {
  const { log, cluster, clock } = deps;
  while (!signal.aborted) {
    const loading = loadCluster(log, deps.quarantineMs, clock.monotonicMs(), signal);
    const loaded = await loading;
    const { state, records, revision } = loaded;
    if (signal.aborted) return;
    // A master that cannot lead with its configuration says so at once, not when it is needed.
    if (records.addressSpace !== undefined) planStartup(state, deps.configured, deps);
    cluster.adopt(records, loaded);
    if (records.addressSpace !== undefined) deps.readiness.clear('log');
    try {
      for await (const change of until(log.watch(revision, signal), signal)) {
        cluster.apply(change.mutations, change);
        deps.readiness.clear('log');
      }
    } catch (thrown) {
      if (!isFailure(thrown, 'failed_precondition')) throw thrown;
      deps.logger.warn({ event: 'log_history_gone', reason: thrown.message });
    }
  }
}
