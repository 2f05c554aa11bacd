import { OverlayError } from '@overlay/failure';
import type { MasterConfig, NetworkId } from '@overlay/model';
import type { OverlayLog } from '@overlay/overlay-log';
import { startRpcServer } from '@overlay/rpc';
import {
  type Clock,
  claimUnixSocket,
  type Logger,
  type Metrics,
  type Readiness,
  type RunningProcess,
  startHttpServer,
} from '@overlay/service';
import { Cluster } from './cluster/cluster.js';
import { type LoadedCluster, loadCluster } from './cluster/load-cluster.js';
import { planStartup } from './cluster/plan-startup.js';
import type { FailPoints } from './commit/fail-points.js';
import { addMasterRoutes } from './http/master-routes.js';
import { addNetworksPage, type NetworksPageFolders } from './http/networks-page.js';
import { createMasterMetrics, observeCluster } from './master-metrics.js';
import { masterService } from './rpc/master-service.js';
import { networkService } from './rpc/network-service.js';

/** Everything a master lives on. */
export interface MasterDeps {
  readonly config: MasterConfig;
  readonly adoptNetworks: boolean;
  readonly log: OverlayLog;
  /** Identifies this process among the candidates for leadership. */
  readonly candidate: string;
  readonly newNetworkId: () => NetworkId;
  readonly failPoints: FailPoints;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly networksPage: NetworksPageFolders;
}

/** How long what a deleted agent had is kept for it. */
const QUARANTINE_MS = 10 * 60_000;
const SHUTDOWN_GRACE_MS = 1_000;

/**
 * Runs a master: campaigns, recovers the cluster from the log, brings configuration and log together, and
 * serves.
 * @throws OverlayError `failed_precondition` if configuration and log contradict each other or a listener is
 * taken, and what the log throws.
 */
export async function runMaster(deps: MasterDeps): Promise<RunningProcess> {
  const { config, log, logger, metrics, readiness, clock } = deps;
  const counters = createMasterMetrics(metrics);
  const leadership = await log.campaign(deps.candidate, new AbortController().signal);
  const { fence } = leadership;
  const loaded = await started(deps, (mutations) => log.commit(mutations, fence));
  const cluster = new Cluster({
    log,
    fence,
    loaded,
    vtepMacOuiText: config.vtepMacOuiText,
    quarantineMs: QUARANTINE_MS,
    monotonicMs: () => clock.monotonicMs(),
    failPoints: deps.failPoints,
    onCommit: (changes, durationMs) => {
      counters.commits.observe(durationMs / 1_000);
      counters.mutations.inc(changes);
    },
  });
  observeCluster(metrics, cluster);
  const onInternalError = (error: unknown, path: string) =>
    logger.error({ event: 'rpc_internal_error', path, err: error });
  await claimUnixSocket('listen.grpc', config.listen.grpc);
  const rpc = await startRpcServer({
    listen: { key: 'listen.grpc', address: config.listen.grpc },
    services: [
      masterService({ cluster, clock, metrics: counters, onInternalError }),
      networkService({ cluster, onInternalError }),
    ],
    tls: config.tls,
    onInternalError,
  });
  const http = await startHttpServer({
    listen: { key: 'listen.http', address: config.listen.http },
    logger,
    probes: { readiness, metrics },
    tls: config.tls,
    routes: (server) => {
      addMasterRoutes(server, cluster);
      addNetworksPage(server, deps.networksPage);
    },
  });
  logger.info({
    event: 'serving',
    grpc: rpc.address,
    http: http.address,
    agents: cluster.records.nodes.size,
  });
  const lost = new Promise<OverlayError>((resolve) => {
    const message = 'leadership is lost: another master commits to this log';
    leadership.lost.addEventListener('abort', () => resolve(new OverlayError('aborted', message)));
  });
  return {
    failed: lost,
    close: async () => {
      readiness.block('shutdown', 'the master is stopping');
      await http.close();
      await rpc.close(SHUTDOWN_GRACE_MS);
      cluster.close();
      await leadership.resign();
      await log.close();
    },
  };
}

/** Recovers the cluster and writes what the configuration adds to it. */
async function started(
  deps: MasterDeps,
  commit: (mutations: Parameters<OverlayLog['commit']>[0]) => Promise<bigint>,
): Promise<LoadedCluster> {
  const { config, log, logger, adoptNetworks, newNetworkId } = deps;
  const loaded = await loadCluster(log, QUARANTINE_MS, deps.clock.monotonicMs());
  const definition = { addressSpace: config.addressSpace, networks: config.networks };
  const plan = planStartup(loaded.state, definition, { adoptNetworks, newNetworkId });
  for (const warning of plan.warnings) logger.warn({ event: 'configuration_differs', warning });
  if (plan.mutations.length === 0) return loaded;
  await commit(plan.mutations);
  return loadCluster(log, QUARANTINE_MS, deps.clock.monotonicMs());
}
