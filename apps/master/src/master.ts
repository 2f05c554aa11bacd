import { type OverlayError, toOverlayError } from '@overlay/failure';
import { formatListenAddress, type MasterConfig, type NetworkId } from '@overlay/model';
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
import { ProbeExchange } from './agents/probe-exchange.js';
import { watchSilence } from './agents/silent-agents.js';
import { Cluster } from './cluster/cluster.js';
import type { FailPoints } from './commit/fail-points.js';
import { addMasterRoutes } from './http/master-routes.js';
import { addNetworksPage, type NetworksPageFolders } from './http/networks-page.js';
import { createMasterMetrics, observeCluster } from './master-metrics.js';
import { candidateOf } from './replication/leader-address.js';
import { replicate } from './replication/replicate.js';
import { masterService } from './rpc/master-service.js';
import { networkService } from './rpc/network-service.js';
import { staleText } from './stale-text.js';

/** Everything a master lives on. */
export interface MasterDeps {
  readonly config: MasterConfig;
  readonly adoptNetworks: boolean;
  /** Opens the log, once the listeners stand: of two masters with one configuration the second names the taken port. */
  readonly openLog: () => Promise<OverlayLog>;
  readonly networksPage: NetworksPageFolders;
  /** Identifies this process among the masters; never the same twice. */
  readonly instanceId: string;
  readonly newNetworkId: () => NetworkId;
  readonly failPoints: FailPoints;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Health-check name that is serving while this master leads. */
const LEADERSHIP_HEALTH_KEY = 'overlay.leader';

/** How long what a deleted agent had is kept for it. */
const QUARANTINE_MS = 10 * 60_000;
const SHUTDOWN_GRACE_MS = 1_000;

/**
 * Runs a master: serves at once, and becomes ready when the log is loaded. The process fails if configuration and
 * log contradict each other.
 * @throws OverlayError `failed_precondition` if a listener is taken, and what opening the log throws.
 */
export async function runMaster(deps: MasterDeps): Promise<RunningProcess> {
  const { config, logger, metrics, readiness, clock } = deps;
  readiness.block('log', 'the overlay log is not loaded yet');
  const counters = createMasterMetrics(metrics);
  const cluster = new Cluster({
    vtepMacOuiText: config.vtepMacOuiText,
    monotonicMs: () => clock.monotonicMs(),
  });
  observeCluster(metrics, cluster);
  const stale = () => staleText(readiness.reasons());
  const stopTelling = readiness.onChange(() => cluster.topology.setStale(stale()));
  const onInternalError = (error: unknown, path: string) =>
    logger.error({ event: 'rpc_internal_error', path, err: error });
  const probes = new ProbeExchange(clock);
  await claimUnixSocket('listen.grpc', config.listen.grpc);
  const rpc = await startRpcServer({
    listen: { key: 'listen.grpc', address: config.listen.grpc },
    services: [
      masterService({
        cluster,
        stale,
        probes,
        nodeCertificates: config.nodeCertificates,
        clock,
        metrics: counters,
        onInternalError,
      }),
      networkService({
        cluster,
        stale,
        newNetworkId: deps.newNetworkId,
        probes,
        clock,
        isLocal: config.listen.grpc.kind === 'unix',
        onInternalError,
      }),
    ],
    tls: config.tls,
    onInternalError,
  });
  rpc.setServing(LEADERSHIP_HEALTH_KEY, false);
  const http = await startHttpServer({
    listen: { key: 'listen.http', address: config.listen.http },
    logger,
    probes: { readiness, metrics },
    tls: config.tls,
    routes: (server) => {
      addMasterRoutes(server, cluster, () => readiness.reasons());
      addNetworksPage(server, deps.networksPage);
    },
  });
  const log = await deps.openLog().catch(async (thrown: unknown) => {
    await http.close();
    await rpc.close(0);
    throw thrown;
  });
  logger.info({ event: 'serving', grpc: rpc.address, http: http.address });
  const stop = new AbortController();
  const replicating = replicate(
    {
      log,
      cluster,
      configured: { addressSpace: config.addressSpace, networks: config.networks },
      adoptNetworks: deps.adoptNetworks,
      newNetworkId: deps.newNetworkId,
      candidate: candidateOf(config.advertise ?? formatListenAddress(rpc.address), deps.instanceId),
      quarantineMs: QUARANTINE_MS,
      reclaimAfterMs: config.reclaimAgentsAfterMs,
      clock,
      logger,
      readiness,
      failPoints: deps.failPoints,
      random: deps.random,
      onRole: (leads) => rpc.setServing(LEADERSHIP_HEALTH_KEY, leads),
      onCommit: (changes, durationMs) => {
        counters.commits.observe(durationMs / 1_000);
        counters.mutations.inc(changes);
      },
    },
    stop.signal,
  );
  const watchingSilence = watchSilence(cluster.reports, clock, stop.signal);
  return {
    failed: failureOf(replicating),
    close: async () => {
      readiness.block('shutdown', 'the master is stopping');
      await http.close();
      await rpc.close(SHUTDOWN_GRACE_MS);
      stop.abort();
      await watchingSilence;
      // A failure was told through `failed` already.
      await replicating.catch(() => undefined);
      stopTelling();
      cluster.close();
      await log.close();
    },
  };
}

/** Resolves only if the replica cannot go on. */
function failureOf(replicating: Promise<void>): Promise<OverlayError> {
  return new Promise((resolve) => {
    replicating.catch((thrown: unknown) => resolve(toOverlayError(thrown)));
  });
}
