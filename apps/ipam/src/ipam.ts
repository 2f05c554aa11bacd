import { IpamServiceService } from '@overlay/contracts';
import type { IpamConfig } from '@overlay/model';
import { serviceName, startRpcServer } from '@overlay/rpc';
import {
  type Clock,
  claimUnixSocket,
  type Logger,
  type Metrics,
  type Readiness,
  type RunningProcess,
  startHttpServer,
} from '@overlay/service';
import { AddressBook } from './allocation/address-book.js';
import { expiredReservations, planExpiry } from './allocation/plan-reservation.js';
import { handleCniCall, handleQueuedDeletion } from './cni/cni-handler.js';
import { addCniRoutes } from './cni/cni-routes.js';
import { DeletionQueue } from './cni/deletion-queue.js';
import { Collector } from './collection/collector.js';
import type { Namespaces } from './collection/namespaces.js';
import { DockerIpam } from './docker/docker-ipam.js';
import { addDockerRoutes, DOCKER_PATH } from './docker/docker-routes.js';
import { createIpamService } from './grpc/ipam-service.js';
import type { HostClock } from './host-clock.js';
import { createOperationMeter, exposeCapacity } from './ipam-metrics.js';
import { repeat } from './repeat.js';
import type { AllocationStore } from './store/allocation-store.js';

/** What overlay-ipam lives on. */
export interface IpamDeps {
  readonly config: IpamConfig;
  readonly store: AllocationStore;
  readonly clock: Clock;
  readonly hostClock: HostClock;
  readonly namespaces: Namespaces;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
}

const STORE_UNREADY = 'store';
const GRPC_GRACE_MS = 2000;
const EXPIRY_CHECK_MS = 1000;
const DELETIONS_CHECK_MS = 5000;
const COLLECT_LEAST_MS = 250;
const COLLECT_MOST_MS = 15_000;
/** About 20 MB in memory at most. */
const REMEMBERED_ADDRESSES = 65_536;

/**
 * Starts overlay-ipam. In this order: the sockets are claimed, pools and allocations loaded, the HTTP socket
 * listens and lets callers wait, queued deletions are performed, and then everything is served.
 * @throws OverlayError naming the configuration key of what cannot be used.
 */
export async function runIpam(deps: IpamDeps): Promise<RunningProcess> {
  const { config, store, clock, hostClock, namespaces, logger, metrics, readiness } = deps;
  readiness.block(STORE_UNREADY, 'pools and allocations are being loaded');
  await claimUnixSocket('listen.grpc', config.listen.grpc);
  await claimUnixSocket('listen.http', config.listen.http);
  const book = await AddressBook.open(store, hostClock.instant());
  const { cooldownMs } = config;
  exposeCapacity(metrics, book, () => ({ at: hostClock.instant(), cooldownMs }));
  const meter = createOperationMeter(metrics, () => clock.monotonicMs());
  const cooldown = { cooldownMs, rememberedCount: REMEMBERED_ADDRESSES };
  const deletions = new DeletionQueue(
    config.cniDeletionsDir,
    (environment, stdin, queuedAtMs) => handleQueuedDeletion(environment, stdin, queuedAtMs, callers),
    logger,
  );
  const settleDeletions = () => deletions.settleBeforeAllocation();
  const callers = { book, meter, clock: hostClock, cooldown, namespaces, settleDeletions };
  const docker = new DockerIpam(callers);
  const gate = createGate();
  const http = await startHttpServer({
    listen: { key: 'listen.http', address: config.listen.http },
    logger,
    routes: (server) => {
      addCniRoutes(server, async (environment, stdin, caller) => {
        await gate.opened;
        return handleCniCall(environment, stdin, callers, caller);
      });
      addDockerRoutes(server, DOCKER_PATH, async (method, body, untilMs) => {
        await gate.opened;
        return docker.answer(method, body, untilMs);
      });
    },
  });
  await deletions.settle();
  const onInternalError = (error: unknown, path: string) =>
    logger.error({ event: 'grpc_internal_error', path, err: error });
  const grpc = await startRpcServer({
    listen: { key: 'listen.grpc', address: config.listen.grpc },
    services: [createIpamService({ ...callers, timer: clock, onInternalError })],
    onInternalError,
  });
  const probes = await startHttpServer({
    listen: { key: 'listen.metrics', address: config.listen.metrics },
    logger,
    probes: { readiness, metrics },
  });
  gate.open();
  readiness.clear(STORE_UNREADY);
  const ending = new AbortController();
  const expiry = repeat({
    clock,
    intervalMs: EXPIRY_CHECK_MS,
    signal: ending.signal,
    run: async () => {
      const at = hostClock.instant();
      if (book.glance((state) => expiredReservations(state, at)).length === 0) return;
      await book.change((state) => planExpiry(state, { at, cooldown }));
    },
    onError: (error) => logger.error({ event: 'reservation_expiry_failed', err: error }),
  });
  const replay = repeat({
    clock,
    intervalMs: DELETIONS_CHECK_MS,
    signal: ending.signal,
    run: () => deletions.settle(),
    onError: (error) => logger.error({ event: 'cni_deletions_failed', err: error }),
  });
  const collector = new Collector({ ...callers, graceMs: config.collectGraceMs });
  const collection = repeat({
    clock,
    intervalMs: Math.min(Math.max(config.collectGraceMs / 4, COLLECT_LEAST_MS), COLLECT_MOST_MS),
    signal: ending.signal,
    run: async () => {
      const collected = await meter.measure('collect', 'daemon', () => collector.scan());
      for (const { network, owner, addresses } of collected) {
        logger.info({ event: 'allocation_collected', network, ...owner, addresses });
      }
    },
    onError: (error) => logger.error({ event: 'collection_failed', err: error }),
  });
  return {
    async close() {
      ending.abort();
      await Promise.all([expiry, replay, collection]);
      grpc.setServing(serviceName(IpamServiceService), false);
      await Promise.all([grpc.close(GRPC_GRACE_MS), http.close()]);
      await book.close();
      await probes.close();
      await store.close();
    },
  };
}

/** Something that callers wait for, and that happens once. */
function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
