import type { Counter, Histogram, Metrics } from '@overlay/service';
import { type AdmissionDrops, admissionDropGrowth } from './kernel/iproute/admission-drops.js';
import type { StepTimer } from './kernel/iproute/iproute-tables.js';
import type { BatchObserver } from './kernel/iproute/metered-runner.js';
import { KERNEL_OBJECT_KINDS, type KernelObject } from './kernel/kernel-object.js';
import { networkStandings } from './reconcile/network-standing.js';
import type { ObjectFailure } from './reconcile/object-failure.js';
import type { Reconciler } from './reconcile/reconciler.js';

/** Why the kernel was compared and written. */
export type ApplyCause = 'host' | 'peers' | 'retry' | 'drift' | 'remove' | 'purge';

/** Batches of 1 to 262,144 peers. */
const LINES = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144];

/** Metrics of the batches that the tools are given, and of what the admission table drops. */
export function observeKernel(metrics: Metrics, readDrops: () => Promise<AdmissionDrops>): BatchObserver {
  const time = metrics.histogram('dataplane_batch_seconds', 'Time of one batch of changes', [
    'tool',
    'object',
  ]);
  const size = metrics.histogram('dataplane_batch_lines', 'Lines of one batch of changes', ['tool'], LINES);
  const dropped = admissionDropGrowth(readDrops);
  metrics.counter(
    'dataplane_admission_dropped_packets_total',
    'Packets of the tunnel that were dropped: from strangers, or with a source that is no peer’s',
    ['reason'],
    async (counter) => {
      for (const [reason, packets] of Object.entries(await dropped())) counter.inc({ reason }, packets);
    },
  );
  return ({ tool, object, lines, seconds }) => {
    time.observe({ tool, object }, seconds);
    size.observe({ tool }, lines);
  };
}

/** Metric of the large steps of a write, in each of which several tools may work at once. */
export function timeSteps(metrics: Metrics, monotonicMs: () => number): StepTimer {
  const seconds = metrics.histogram('dataplane_step_seconds', 'Time of one large step of a write', ['step']);
  return async (step, work) => {
    const startedMs = monotonicMs();
    try {
      return await work();
    } finally {
      seconds.observe({ step }, (monotonicMs() - startedMs) / 1000);
    }
  };
}

/** What Prometheus sees of the dataplane. */
export class DataplaneMetrics {
  readonly #written: Counter<'cause'>;
  readonly #failures: Counter<'kind'>;
  readonly #seconds: Histogram<'cause'>;
  readonly #driftFound: Counter<'kind'>;
  readonly #driftRepaired: Counter<'kind'>;

  constructor(metrics: Metrics, reconciler: Reconciler) {
    this.#written = metrics.counter(
      'dataplane_objects_written_total',
      'Kernel objects added, changed or removed',
      ['cause'],
    );
    this.#failures = metrics.counter('dataplane_kernel_errors_total', 'Writes that the kernel refused', [
      'kind',
    ]);
    this.#seconds = metrics.histogram('dataplane_apply_seconds', 'Time of one comparison and write', [
      'cause',
    ]);
    this.#driftFound = metrics.counter(
      'dataplane_drift_found_total',
      'Kernel objects that somebody else changed, removed or added',
      ['kind'],
    );
    this.#driftRepaired = metrics.counter(
      'dataplane_drift_repaired_total',
      'Of these, the objects that were put right',
      ['kind'],
    );
    metrics.gauge('dataplane_objects_desired', 'Kernel objects wanted', ['kind'], (gauge) => {
      for (const kind of KERNEL_OBJECT_KINDS) gauge.set({ kind }, reconciler.tracker.counts(kind).desired);
    });
    metrics.gauge('dataplane_objects_present', 'Wanted kernel objects that are there', ['kind'], (gauge) => {
      for (const kind of KERNEL_OBJECT_KINDS) gauge.set({ kind }, reconciler.tracker.counts(kind).present);
    });
    metrics.gauge('dataplane_peers', 'Peers that the topology names', [], (gauge) => {
      gauge.set(reconciler.peerCount);
    });
    metrics.gauge('dataplane_peers_refused', 'Peers that contradict this host or each other', [], (gauge) => {
      gauge.set(reconciler.refusedPeers().size);
    });
    metrics.gauge('dataplane_networks_configured', 'Networks that stand as they shall', [], (gauge) => {
      gauge.set(networkStandings(reconciler).filter(({ error }) => error === '').length);
    });
  }

  /** Notes what one look at the kernel found. */
  drifted(found: readonly KernelObject[], repaired: readonly KernelObject[]): void {
    for (const { kind } of found) this.#driftFound.inc({ kind });
    for (const { kind } of repaired) this.#driftRepaired.inc({ kind });
  }

  /** Notes one comparison and write. */
  applied(
    cause: ApplyCause,
    written: number,
    failures: ReadonlyMap<string, ObjectFailure>,
    seconds: number,
  ): void {
    this.#written.inc({ cause }, written);
    this.#seconds.observe({ cause }, seconds);
    for (const { object } of failures.values()) this.#failures.inc({ kind: object.kind });
  }
}
