import { interfaceIp } from '@overlay/allocation';
import { type BackoffPolicy, backoffMs } from '@overlay/rpc';
import type { Clock, Logger, Metrics } from '@overlay/service';
import type { HostDescription } from '../desired/host-description.js';
import type { OffloadDecision, OffloadStanding } from '../desired/offload-decision.js';
import type { PeerDescription } from '../desired/peer-description.js';
import {
  type AskedQuestion,
  planOffloadTrial,
  type TrialAnswer,
  type TrialVerdict,
} from '../desired/plan-offload-trial.js';
import type { ProbePath, TunnelProbe } from '../kernel/tunnel-probe.js';
import type { ApplyLoop } from './apply-loop.js';
import { wholeKinds } from './check-scope.js';
import type { Reconciler } from './reconciler.js';

/** Between two looks whether there is something to try; a look costs nothing. */
const LOOK_MS = 1_000;
/** After the first peers are there: in a cluster that starts, they have yet to come up. */
const SETTLE_MS = 3_000;
/** The kernel sends again after 1 s: two packets have to get lost for a wrong silence. */
const ANSWER_MS = 2_500;
/** Peers that are asked together. */
const PEERS_AT_ONCE = 3;
/** Trials without an outcome before it is left at what is known of kernels and drivers. */
const MAX_TRIALS = 8;
const RETRY: BackoffPolicy = { baseMs: 20_000, capMs: 600_000 };
const STANDINGS: readonly OffloadStanding[] = ['untried', 'found-off', 'works', 'spoils', 'inconclusive'];

/** What the trial works with. */
export interface OffloadTrialOptions {
  readonly decision: OffloadDecision;
  readonly probe: TunnelProbe;
  readonly loop: Pick<ApplyLoop, 'check'>;
  readonly reconciler: Pick<Reconciler, 'host' | 'underlay' | 'tracker' | 'somePeers'>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Tries out whether packets whose checksums are left to the network card reach the peers, and switches checksum offload
 * of the tunnel off where they do not. Runs when the first peers are there, and again when the underlay device or
 * its driver changes. A few peers are asked, however many there are; where they answer nothing is ever switched.
 */
export class OffloadTrial {
  readonly #options: OffloadTrialOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Underlay device and driver that were tried last. */
  #tried: string | undefined;
  /** Whether these were found to work or not; a standing may be that of the device before. */
  #decided = false;
  #trials = 0;
  #notBeforeMs = 0;

  /** Starts. */
  constructor(options: OffloadTrialOptions) {
    this.#options = options;
    options.metrics.gauge(
      'dataplane_checksum_offload_standing',
      'What the test of checksum offload found (1), see vxlan_checksum_offload',
      ['standing'],
      (gauge) => {
        for (const standing of STANDINGS)
          gauge.set({ standing }, standing === options.decision.standing ? 1 : 0);
      },
    );
    this.#running = this.#run();
  }

  /** Stops and waits for the question under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      const due = this.#due();
      if (signal.aborted || due === undefined) continue;
      if (due !== this.#tried) {
        await clock.sleep(SETTLE_MS, signal);
        if (signal.aborted || due !== this.#due()) continue;
        const first = this.#tried === undefined;
        this.#tried = due;
        this.#trials = 0;
        this.#decided = false;
        if (first && this.#isOn() === false) {
          await this.#conclude('found-off');
          this.#decided = true;
          continue;
        }
      }
      await this.#try();
    }
  }

  /** Names what is to be tried; undefined if nothing is, or not now. */
  #due(): string | undefined {
    const { clock, decision, reconciler } = this.#options;
    const { host, underlay } = reconciler;
    if (host === undefined || underlay === undefined || !decision.triesWith(underlay.driver))
      return undefined;
    if (this.#isOn() === undefined || reconciler.somePeers(1, 0).length === 0) return undefined;
    const name = `${underlay.device} ${underlay.driver}`;
    if (name !== this.#tried) return name;
    const over = this.#decided || this.#trials >= MAX_TRIALS;
    if (over || clock.monotonicMs() < this.#notBeforeMs) return undefined;
    return name;
  }

  /** Undefined where the setting cannot be read. */
  #isOn(): boolean | undefined {
    const { host, tracker } = this.#options.reconciler;
    const offload = host && tracker.wanted(`offload ${host.vtep.name}`);
    return offload?.kind === 'offload' ? offload.on : undefined;
  }

  async #try(): Promise<void> {
    const { clock, decision, random } = this.#options;
    const before = decision.standing;
    const verdict = await this.#askAll();
    this.#trials += 1;
    // What was switched for a question is switched back, whatever came in between. Before the first trial it was on.
    await this.#conclude(verdict ?? (before === 'untried' ? 'inconclusive' : before));
    this.#decided = verdict === 'works' || verdict === 'spoils';
    this.#notBeforeMs = clock.monotonicMs() + backoffMs(this.#trials - 1, RETRY, random);
  }

  /** Undefined if the questions could not all be asked. */
  async #askAll(): Promise<TrialVerdict | undefined> {
    const peers = this.#options.reconciler.somePeers(PEERS_AT_ONCE, this.#trials * PEERS_AT_ONCE);
    const asked: AskedQuestion[] = [];
    for (;;) {
      const next = planOffloadTrial(asked);
      if (next.step === 'conclude') return next.verdict;
      const answer = await this.#ask(next.on, peers);
      if (answer === undefined || this.#closing.signal.aborted) return undefined;
      asked.push({ on: next.on, answer });
    }
  }

  /** Undefined if the host is no longer described, or offload cannot be switched. */
  async #ask(on: boolean, peers: readonly PeerDescription[]): Promise<TrialAnswer | undefined> {
    const { decision, probe, reconciler } = this.#options;
    if (this.#isOn() !== on) {
      decision.force(on);
      await this.#apply();
    }
    const { host } = reconciler;
    if (host === undefined || this.#isOn() !== on) return undefined;
    if (reconciler.tracker.deviates(`offload ${host.vtep.name}`)) return undefined;
    const paths = peers.flatMap((peer) => pathsTo(host, peer));
    const answers = await Promise.all(paths.map((path) => probe.ask(path, ANSWER_MS, this.#closing.signal)));
    return answers.includes('answered') ? 'answered' : 'silent';
  }

  async #conclude(standing: OffloadStanding): Promise<void> {
    const { decision, logger, reconciler } = this.#options;
    const before = decision.standing;
    decision.conclude(standing);
    await this.#apply();
    const { device, driver } = reconciler.underlay ?? {};
    const event = { event: 'checksum_offload', standing, on: this.#isOn(), device, driver };
    if (standing === before) return;
    if (standing === 'spoils' || standing === 'found-off') logger.warn(event);
    else logger.info(event);
  }

  /** Has the kernel's setting follow the decision; what fails is tried again by the loop. */
  async #apply(): Promise<void> {
    await this.#options.loop.check(wholeKinds(new Set(['offload']))).catch(() => undefined);
  }
}

/** Both families: one of them may be filtered. */
function pathsTo(host: HostDescription, peer: PeerDescription): readonly ProbePath[] {
  const { address, address6 } = host.vtep;
  const path = { from: interfaceIp(address), to: peer.vtepIp };
  if (!host.enableIpv6 || address6 === undefined || peer.vtepIp6 === undefined) return [path];
  return [path, { from: interfaceIp(address6), to: peer.vtepIp6 }];
}
