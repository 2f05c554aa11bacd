import type { Clock, Logger } from '@overlay/service';
import { dockerBridgeNames } from '../desired/plan-docker-settings.js';
import type { KernelEvent, KernelWatch } from '../kernel/kernel-watch.js';
import type { ApplyLoop } from './apply-loop.js';
import { PendingCheck } from './pending-check.js';
import { ALL_KINDS, type CheckStep, planCheck } from './plan-check.js';
import type { Reconciler } from './reconciler.js';
import { RepairPace } from './repair-pace.js';

/** Events that come within this time are looked into together. */
const COALESCE_MS = 50;
/** After the last of a crowd of peers, before the kernel is watched again. */
const QUIET_MS = 250;
/** Before an ended watch is started again: twice as long each time that it ended soon, for everything is read then. */
const RESTART_MS = 1_000;
const SLOWEST_RESTART_MS = 60_000;
/** Full checks take at most one part in so many of the time, however large the kernel's tables are. */
const REST_FACTOR = 20;
const EVERYTHING: CheckStep = { step: 'kinds', kinds: ALL_KINDS };

/** What the watch works with. */
export interface DriftWatchOptions {
  readonly loop: Pick<ApplyLoop, 'check' | 'followBulk'>;
  readonly reconciler: Pick<Reconciler, 'host' | 'tracker' | 'underlay'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly watches: readonly KernelWatch[];
  /** Shortest time between two full checks. */
  readonly resyncMs: number;
}

/**
 * Heals the kernel: an event that is no echo of our own writes has what it concerns looked at and repaired;
 * everything is read again from time to time, for what comes without an event, the more rarely the longer that takes:
 * single changes wait for it. While crowds of peers are written nobody
 * listens, for the echo of so many writes costs more than the writes; everything is read once afterwards. Who undoes
 * our repairs again and again meets longer and longer waits, not a race.
 */
export class DriftWatch {
  readonly #options: DriftWatchOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #pace = new RepairPace(COALESCE_MS);
  readonly #pending = new PendingCheck();
  /** The longest wait of what is pending. */
  #waitMs = COALESCE_MS;
  #checking: Promise<void> | undefined;
  /** How long the last check of everything took. */
  #fullCheckMs = 0;
  /** Ends the watches while crowds of peers are written. */
  #listening = new AbortController();
  #crowded = false;
  #resume: (() => void) | undefined;
  #resumed: Promise<void> = Promise.resolve();

  /** Starts watching. */
  constructor(options: DriftWatchOptions) {
    this.#options = options;
    options.loop.followBulk((bulk) => {
      this.#crowded = bulk;
      if (bulk) this.#stopListening();
      else this.#listenWhenQuiet().catch(() => undefined);
    });
    this.#running = Promise.all([
      this.#checkPeriodically(),
      ...options.watches.map((watch) => this.#follow(watch)),
    ]);
  }

  /** Stops watching and waits for the check under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#listenAgain();
    await this.#running;
    await this.#checking;
  }

  async #checkPeriodically(): Promise<void> {
    const { clock, resyncMs } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      await clock.sleep(Math.max(resyncMs, REST_FACTOR * this.#fullCheckMs), signal);
      if (signal.aborted) return;
      this.#wake(EVERYTHING);
    }
  }

  async #follow(watch: KernelWatch): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#closing;
    let pauseMs = RESTART_MS;
    while (!signal.aborted) {
      await this.#resumed;
      const listening = this.#listening.signal;
      const startMs = clock.monotonicMs();
      const either = AbortSignal.any([signal, listening]);
      for await (const events of watch.watch(either)) this.#take(events);
      if (signal.aborted) return;
      if (listening.aborted) continue;
      const soon = clock.monotonicMs() - startMs < SLOWEST_RESTART_MS;
      pauseMs = soon ? pauseMs : RESTART_MS;
      logger.warn({ event: 'watch_ended', watch: watch.name, again_in_ms: pauseMs });
      await clock.sleep(pauseMs, signal);
      pauseMs = Math.min(2 * pauseMs, SLOWEST_RESTART_MS);
      this.#wake(EVERYTHING);
    }
  }

  #stopListening(): void {
    if (this.#resume !== undefined) return;
    this.#resumed = new Promise((resolve) => {
      this.#resume = resolve;
    });
    this.#listening.abort();
  }

  /** A snapshot may come slower than it is written. */
  async #listenWhenQuiet(): Promise<void> {
    await this.#options.clock.sleep(QUIET_MS, this.#closing.signal);
    if (!this.#crowded) this.#listenAgain();
  }

  #listenAgain(): void {
    if (this.#resume === undefined) return;
    this.#listening = new AbortController();
    this.#resume();
    this.#resume = undefined;
    this.#wake(EVERYTHING);
  }

  #take(events: readonly KernelEvent[]): void {
    const { tracker, host, underlay } = this.#options.reconciler;
    if (host === undefined) return;
    const docker = new Set(dockerBridgeNames(host));
    const devices = { vtep: host.vtep.name, underlay: underlay?.device, docker };
    for (const event of events) this.#wake(planCheck(event, tracker, devices));
  }

  #wake(step: CheckStep): void {
    const { clock, reconciler } = this.#options;
    this.#pending.add(step);
    this.#waitMs = Math.max(this.#waitMs, this.#pace.waitMs(step, clock.monotonicMs()));
    if (!this.#pending.due || reconciler.host === undefined) return;
    this.#checking ??= this.#check();
  }

  async #check(): Promise<void> {
    const { clock, loop } = this.#options;
    const { signal } = this.#closing;
    while (this.#pending.due) {
      await this.#wait();
      if (signal.aborted) break;
      // What was undone meanwhile.
      if (!this.#pending.due) break;
      const scope = this.#pending.take();
      const startMs = clock.monotonicMs();
      // The loop logs what fails and tries again by itself.
      const report = await loop.check(scope).catch(() => undefined);
      if (scope.kinds.size === ALL_KINDS.size) this.#fullCheckMs = clock.monotonicMs() - startMs;
      if (report !== undefined) this.#pace.note(report.repaired, clock.monotonicMs());
    }
    this.#checking = undefined;
  }

  /** What comes meanwhile may have to wait longer than what there was. */
  async #wait(): Promise<void> {
    const { signal } = this.#closing;
    for (let waitedMs = 0; waitedMs < this.#waitMs && !signal.aborted; ) {
      const restMs = this.#waitMs - waitedMs;
      await this.#options.clock.sleep(restMs, signal);
      waitedMs += restMs;
    }
    this.#waitMs = COALESCE_MS;
  }
}
