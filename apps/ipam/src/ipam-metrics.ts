import { toOverlayError } from '@overlay/failure';
import type { Metrics } from '@overlay/service';
import type { AddressBook } from './allocation/address-book.js';
import { type CapacityMoment, capacityOf } from './allocation/capacity.js';

/** What containers ask for. */
export type Operation = 'allocate' | 'release' | 'check' | 'reserve' | 'unreserve' | 'collect';

/** Who asks. */
export type Caller = 'grpc' | 'cni' | 'docker' | 'daemon';

/** Counts and times operations. */
export interface OperationMeter {
  /** Runs an operation; what it throws is counted by its failure and thrown on. */
  measure<T>(operation: Operation, caller: Caller, run: () => Promise<T>): Promise<T>;
}

const ADDRESS_STATES = ['total', 'used', 'reserved', 'cooling', 'free'] as const;
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2];

/** Registers the counters of operations. `monotonicMs` reads a clock that never jumps. */
export function createOperationMeter(metrics: Metrics, monotonicMs: () => number): OperationMeter {
  const labels = ['operation', 'caller'] as const;
  const done = metrics.counter('ipam_operations_total', 'Operations that succeeded.', labels);
  const failed = metrics.counter('ipam_failures_total', 'Operations that failed.', [
    ...labels,
    'code',
  ] as const);
  const duration = metrics.histogram(
    'ipam_operation_duration_seconds',
    'Time to a durable answer.',
    labels,
    DURATION_BUCKETS,
  );
  return {
    async measure(operation, caller, run) {
      const startMs = monotonicMs();
      try {
        const answer = await run();
        done.inc({ operation, caller });
        return answer;
      } catch (thrown) {
        failed.inc({ operation, caller, code: toOverlayError(thrown).code });
        throw thrown;
      } finally {
        duration.observe({ operation, caller }, (monotonicMs() - startMs) / 1000);
      }
    },
  };
}

/** Registers the addresses by network, half, family and state, read at each scrape for the moment that it is. */
export function exposeCapacity(metrics: Metrics, book: AddressBook, moment: () => CapacityMoment): void {
  const labels = ['network', 'half', 'family', 'state'] as const;
  metrics.gauge('ipam_addresses', 'Addresses of each half by their state.', labels, (gauge) => {
    gauge.reset();
    for (const row of book.glance((state) => capacityOf(state, moment()))) {
      const { network, half, family } = row;
      for (const state of ADDRESS_STATES) {
        gauge.set({ network, half, family: String(family), state }, Number(row[state]));
      }
    }
  });
  metrics.gauge('ipam_allocations', 'Allocations, also those of pools that are gone.', [], (gauge) => {
    gauge.set(book.glance((state) => [...state.allocations()].length));
  });
}
