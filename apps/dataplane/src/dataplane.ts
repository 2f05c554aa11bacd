import type { DataplaneConfig } from '@overlay/model';
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
import { DataplaneMetrics } from './dataplane-metrics.js';
import type { KernelTables } from './kernel/kernel-tables.js';
import type { KernelWatch } from './kernel/kernel-watch.js';
import { ApplyLoop } from './reconcile/apply-loop.js';
import { DriftWatch } from './reconcile/drift-watch.js';
import type { ReconcilerSettings } from './reconcile/kernel-observer.js';
import { OffloadTrial, type OffloadTrialOptions } from './reconcile/offload-trial.js';
import { Reconciler } from './reconcile/reconciler.js';
import { dataplaneService } from './rpc/dataplane-service.js';

/** Time that open calls have when the process ends. */
const GRACE_MS = 1_000;

/** Everything that the dataplane depends on. */
export interface DataplaneDeps {
  readonly config: DataplaneConfig;
  readonly tables: KernelTables;
  readonly settings: ReconcilerSettings;
  /** What the test of checksum offload works with. */
  readonly trial: Pick<OffloadTrialOptions, 'decision' | 'probe'>;
  /** What tells that somebody changed the kernel. */
  readonly watches: readonly KernelWatch[];
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
}

/**
 * Starts the dataplane. Nothing is written before the first description of the host; ending it leaves the kernel as
 * it is.
 * @throws OverlayError `failed_precondition` naming the key if a listener's address is taken.
 */
export async function runDataplane(deps: DataplaneDeps): Promise<RunningProcess> {
  const { config, clock, logger, metrics, readiness, random } = deps;
  const reconciler = new Reconciler(deps.tables, deps.settings);
  const loop = new ApplyLoop({
    reconciler,
    clock,
    random,
    logger,
    metrics: new DataplaneMetrics(metrics, reconciler),
  });
  const onInternalError = (error: unknown, method: string) =>
    logger.error({ event: 'internal_error', method, err: error });
  const listen = { key: 'listen.grpc', address: config.listen.grpc };
  await claimUnixSocket(listen.key, listen.address);
  const rpc = await startRpcServer({
    listen,
    services: [dataplaneService({ loop, reconciler, onInternalError })],
    onInternalError,
  });
  const http = await startHttpServer({
    listen: { key: 'listen.metrics', address: config.listen.metrics },
    logger,
    probes: { readiness, metrics },
  }).catch(async (error: unknown) => {
    await rpc.close(0);
    throw error;
  });
  const drift = new DriftWatch({
    loop,
    reconciler,
    clock,
    logger,
    watches: deps.watches,
    resyncMs: config.resyncMs,
  });
  const trial = new OffloadTrial({ ...deps.trial, loop, reconciler, clock, random, logger, metrics });
  return {
    async close() {
      await trial.close();
      await drift.close();
      await rpc.close(GRACE_MS);
      await loop.close();
      await http.close();
    },
  };
}
