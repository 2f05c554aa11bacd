import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

/**
 * Time between two samples. Each wakes the process: at the usual 10 ms, sampling costs an idle process more than all else
 * that it does.
 */
const SAMPLE_MS = 100;
const NS_PER_S = 1e9;

interface Figure {
  readonly name: string;
  readonly help: string;
  /** In seconds. */
  readonly of: (samples: IntervalHistogram) => number;
}

const FIGURES: readonly Figure[] = [
  { name: 'min', help: 'Shortest delay', of: ({ min }) => delayOf(min) },
  { name: 'max', help: 'Longest delay', of: ({ max }) => delayOf(max) },
  { name: 'mean', help: 'Mean delay', of: ({ mean }) => delayOf(mean) },
  { name: 'stddev', help: 'Standard deviation of the delay', of: ({ stddev }) => stddev / NS_PER_S },
  { name: 'p50', help: '50th percentile of the delay', of: (samples) => delayOf(samples.percentile(50)) },
  { name: 'p90', help: '90th percentile of the delay', of: (samples) => delayOf(samples.percentile(90)) },
  { name: 'p99', help: '99th percentile of the delay', of: (samples) => delayOf(samples.percentile(99)) },
];

/**
 * Adds how late the event loop comes to what is due, in place of the figures that prom-client has under the same names.
 * Each scrape begins anew.
 */
export function observeEventLoopLag(registry: Registry): void {
  const samples = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  samples.enable();
  const gauges = FIGURES.map(({ name: figure, help, of }, index) => {
    const name = `nodejs_eventloop_lag_${figure}_seconds`;
    registry.removeSingleMetric(name);
    const gauge = new Gauge({
      name,
      help: `${help} of the event loop since the last scrape.`,
      registers: [registry],
      // The first one's collection sets all: they are of one time.
      ...(index === 0 ? { collect: () => setAll() } : {}),
    });
    return { gauge, of };
  });
  const setAll = (): void => {
    for (const { gauge, of } of gauges) gauge.set(samples.count === 0 ? 0 : of(samples));
    samples.reset();
  };
}

/** A sample is the time between two timers, which are so far apart anyway. */
function delayOf(sampleNs: number): number {
  return Math.max(0, sampleNs / NS_PER_S - SAMPLE_MS / 1_000);
}
