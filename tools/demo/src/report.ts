import type { CheckResult, DemoContainer, DemoHost } from './check.js';
import type { DemoOptions } from './demo-options.js';
import type { RuntimesReport } from './find-runtimes.js';

/** TCP throughput of one stream, container to container across hosts beside host to host on the bare underlay. */
export interface ThroughputReport {
  readonly from: string;
  readonly to: string;
  readonly overlayBitsPerSecond: number;
  readonly underlayBitsPerSecond: number;
}

/** How the death of the leader went. */
export interface FailoverReport {
  /** `ADDRESS:PORT` of the master that was killed. */
  readonly killed: string;
  /** `ADDRESS:PORT` of the master that leads since. */
  readonly leader: string;
  /** The host that joined meanwhile. */
  readonly joined: string;
  /** From the kill until another master led. */
  readonly leaderMs: number;
  /** From the kill until the first registration was committed, that of the host that joined. */
  readonly registrationMs: number;
  /** Agents that were there before, all of which kept their assignments. */
  readonly agentsKept: number;
  /** Everyone to everyone once more, the containers of the host that joined included. */
  readonly checks: readonly CheckResult[];
}

/** Where to look. */
export interface DemoPlaces {
  /** Where gRPC clients and overlayctl reach the first master. */
  readonly grpc: string;
  readonly state: string;
  /** URLs of the master and, as commands, of what listens inside the hosts. */
  readonly metrics: readonly string[];
  /** The web page; absent when the master serves none. */
  readonly page?: string;
}

/** The demo's outcome; what `--json` prints. */
export interface DemoReport {
  readonly ok: boolean;
  readonly masters: number;
  readonly log: DemoOptions['log'];
  readonly hosts: readonly DemoHost[];
  readonly runtimes?: RuntimesReport;
  readonly containers: readonly DemoContainer[];
  readonly checks: readonly CheckResult[];
  readonly throughput?: ThroughputReport;
  readonly failover?: FailoverReport;
  readonly places?: DemoPlaces;
  readonly seconds: number;
  /** The command that removes what was left running. */
  readonly stop?: string;
  /** Folder with logs, configurations and state, when something failed or everything was kept. */
  readonly logs?: string;
  /** What kept the demo from reaching its end. */
  readonly error?: string;
}

/** Every check of a demo, in the order in which they were made. */
export function allChecks({
  checks,
  failover,
}: Pick<DemoReport, 'checks' | 'failover'>): readonly CheckResult[] {
  return [...checks, ...(failover?.checks ?? [])];
}

/** Failed checks in words, at most `limit` of them. */
export function listFailures(results: readonly CheckResult[], limit = 10): readonly string[] {
  const failed = results.filter(({ ok }) => !ok);
  const lines = failed
    .slice(0, limit)
    .map(
      ({ from, to, family, kind, error }) => `${kind} ${from} → ${to} over ${family}: ${error ?? 'failed'}`,
    );
  return failed.length > limit ? [...lines, `and ${failed.length - limit} more`] : lines;
}

/** `9.41 Gbit/s`. */
export function formatRate(bitsPerSecond: number): string {
  return `${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`;
}

/** Middle value of the round trips that worked, in ms; `undefined` without any. */
export function medianMs(results: readonly CheckResult[]): number | undefined {
  const sorted = results
    .filter(({ ok }) => ok)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
