import type { Counter, Histogram, Metrics } from '@overlay/service';
import type { Cluster } from './cluster/cluster.js';

/** What the master counts. */
export interface MasterMetrics {
  readonly registrations: Counter;
  readonly registrationFailures: Counter;
  readonly commits: Histogram;
  readonly mutations: Counter;
}

/** Registers the master's metrics. */
export function createMasterMetrics(metrics: Metrics): MasterMetrics {
  return {
    registrations: metrics.counter(
      'master_register_agent_messages_received_total',
      'Registrations that agents asked for.',
    ),
    registrationFailures: metrics.counter(
      'master_register_agent_messages_dropped_total',
      'Registrations that were refused or could not be committed.',
    ),
    commits: metrics.histogram('master_commit_duration_seconds', 'Time of each commit to the overlay log.'),
    mutations: metrics.counter('master_committed_mutations_total', 'Changes committed to the overlay log.'),
  };
}

/** Registers what is read from the cluster at each scrape. */
export function observeCluster(metrics: Metrics, cluster: Cluster): void {
  metrics.gauge('master_leader', '1 while this master leads, else 0.', [], (gauge) =>
    gauge.set(cluster.leads ? 1 : 0),
  );
  metrics.gauge('master_agents', 'Agents in the overlay log.', [], (gauge) =>
    gauge.set(cluster.records.nodes.size),
  );
  metrics.gauge('master_networks', 'Networks in the overlay log.', [], (gauge) =>
    gauge.set(cluster.records.networks.size),
  );
  metrics.gauge('master_agents_connected', 'Agents with an open topology stream.', [], (gauge) =>
    gauge.set(cluster.connections.streaming),
  );
  metrics.gauge('master_topology_watchers', 'Open topology streams.', [], (gauge) =>
    gauge.set(cluster.topology.watchers),
  );
  metrics.gauge('master_log_revision', 'Revision of the overlay log.', [], (gauge) =>
    gauge.set(Number(cluster.topology.revision)),
  );
}
