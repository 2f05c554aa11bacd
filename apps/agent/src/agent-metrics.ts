import type { Counter, Histogram, Metrics } from '@overlay/service';
import type { AgentState } from './agent-state.js';
import type { PassResult } from './configuration/plan-progress.js';
import type { TopologyStore } from './topology/topology-store.js';

/** What the agent counts, under DC/OS's names where there are any. */
export interface AgentMetrics {
  readonly pollErrors: Counter;
  readonly updateFailures: Counter;
  readonly updateDuration: Histogram;
  /** Calls that Docker refused or did not answer. */
  readonly dockerFailures: Counter;
  /** Counts the networks that a pass failed to configure. */
  countFailures(results: ReadonlyMap<string, PassResult>): void;
}

/** Declares the agent's metrics; gauges read the state at each scrape. */
export function declareMetrics(metrics: Metrics, state: AgentState, store: TopologyStore): AgentMetrics {
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.gauge(name, help, [], (self) => self.set(value()));
  const networks = () => state.assignment?.networks ?? [];
  const inProgress = (kind: string) => [...state.progress.values()].filter((one) => one.kind === kind).length;
  gauge('registering', '1 while the agent has no master', () => (state.connected ? 0 : 1));
  gauge('registered', '1 while the agent watches a master', () => (state.connected ? 1 : 0));
  gauge('networks_configured', 'Networks configured on this host', () => inProgress('configured'));
  gauge('config_failed', 'Networks that failed on this host', () => inProgress('failed'));
  gauge(
    'networks_without_subnets',
    'Networks without a block on this host',
    () => networks().filter(({ subnet, subnet6 }) => subnet === '' && subnet6 === '').length,
  );
  gauge('containers', 'Containers with an address on this host', () => state.containers.length);
  gauge('topology_peers', 'Nodes in the stored topology', () => store.peerCount);
  gauge('topology_revision', 'Revision of the stored topology', () => Number(store.revision ?? 0n));
  gauge('topology_stale', '1 while the master says that its topology may be out of date', () =>
    state.topologyStale === '' ? 0 : 1,
  );
  gauge('configuration_attempts', 'Passes over the host', () => state.configurationAttempts);
  gauge('docker_up', '1 while a Docker engine answers', () => (state.docker?.up === true ? 1 : 0));
  gauge('docker_networks', 'Overlay networks that have a Docker network on this host', () => {
    return state.docker?.standing.size ?? 0;
  });
  const failures = metrics.counter(
    'network_configuration_failures_total',
    'Attempts to configure a network that failed',
  );
  return {
    pollErrors: metrics.counter('poll_errors_total', 'Conversations with masters that failed or broke'),
    updateFailures: metrics.counter('update_failures_total', 'Assignments that could not be stored'),
    updateDuration: metrics.histogram(
      'update_processing_duration_seconds',
      'Duration of one pass over the host',
    ),
    dockerFailures: metrics.counter(
      'docker_cmd_failures_total',
      'Calls that the Docker engine refused or did not answer',
    ),
    countFailures(results) {
      for (const { kind } of results.values()) {
        if (kind === 'error' || kind === 'hopeless') failures.inc();
      }
    },
  };
}
