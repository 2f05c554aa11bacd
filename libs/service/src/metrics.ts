import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { observeEventLoopLag } from './event-loop-lag.js';

export type { Counter, Gauge, Histogram } from 'prom-client';

/** prom-client cannot be told to leave its own samples of the event loop out. */
const NEVER_MS = 2 ** 31 - 1;

/** The metrics of one process. Names are given without the `overlay_` prefix and get it here. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(process: string) {
    this.#registry.setDefaultLabels({ process });
  }

  /** Adds the Node.js runtime's own figures (memory, event loop, garbage collection). */
  collectRuntime(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: NEVER_MS });
    observeEventLoopLag(this.#registry);
  }

  /** A counter; by convention its name ends in `_total`. `collect` is awaited before each scrape to advance it. */
  counter<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    collect?: (counter: Counter<L>) => Promise<void>,
  ): Counter<L> {
    return new Counter<L>({
      name: `overlay_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      ...(collect === undefined
        ? {}
        : {
            collect(this: Counter<L>) {
              return collect(this);
            },
          }),
    });
  }

  /** A gauge; `collect` is called before each scrape to set it. */
  gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    collect?: (gauge: Gauge<L>) => void,
  ): Gauge<L> {
    return new Gauge<L>({
      name: `overlay_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      ...(collect === undefined
        ? {}
        : {
            collect(this: Gauge<L>) {
              collect(this);
            },
          }),
    });
  }

  /** A histogram of durations; by convention its name ends in `_seconds`. */
  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ): Histogram<L> {
    return new Histogram({
      name: `overlay_${name}`,
      help,
      labelNames,
      buckets: [...buckets],
      registers: [this.#registry],
    });
  }

  /** All metrics in the Prometheus text format. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Media type of {@link render}. */
  get contentType(): string {
    return this.#registry.contentType;
  }
}
