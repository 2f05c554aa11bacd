import type { MasterState } from '@overlay/testbed';
import type { CheckResult, DemoContainer, DemoHost } from './check.js';
import type { RuntimesReport } from './find-runtimes.js';
import { renderHosts } from './host-table.js';
import { renderMatrix } from './matrix.js';
import {
  allChecks,
  type DemoPlaces,
  type DemoReport,
  type FailoverReport,
  formatRate,
  listFailures,
  medianMs,
  type ThroughputReport,
} from './report.js';
import type { Terminal } from './terminal.js';

/** What the demo tells while it runs. */
export interface Story {
  title(text: string): void;
  /** Runs one step and tells how it went and how long it took; a failure is passed on. */
  step<T>(text: string, action: () => Promise<T>): Promise<T>;
  runtimes(report: RuntimesReport): void;
  hosts(hosts: readonly DemoHost[], networks: readonly string[], state: MasterState): void;
  matrices(
    networks: readonly string[],
    containers: readonly DemoContainer[],
    results: readonly CheckResult[],
  ): void;
  figures(results: readonly CheckResult[], throughput: ThroughputReport | undefined): void;
  failover(report: FailoverReport): void;
  places(places: DemoPlaces): void;
  ending(report: DemoReport): void;
}

const STEP_WIDTH = 72;

/** Tells the story on a terminal. */
export function createStory(terminal: Terminal): Story {
  const { paint } = terminal;
  const good = paint.good('✓');
  const bad = paint.bad('✗');
  return {
    title: (text) => {
      terminal.line();
      terminal.line(paint.strong(text));
      terminal.line();
    },
    step: async (text, action) => {
      const started = performance.now();
      const seconds = (): string =>
        paint.faint(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s`);
      try {
        const value = await action();
        terminal.line(`  ${good} ${text.padEnd(STEP_WIDTH)}${seconds()}`);
        return value;
      } catch (cause) {
        terminal.line(`  ${bad} ${text.padEnd(STEP_WIDTH)}${seconds()}`);
        throw cause;
      }
    },
    runtimes: ({ versions, absent }) => {
      const found = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
      if (found.length > 0) terminal.line(paint.faint(`      ${found.join(', ')}`));
      for (const [name, reason] of Object.entries(absent)) {
        const instead = name === 'docker' ? '; containers are put on the Docker half by hand' : '';
        terminal.line(paint.faint(`      no ${name}: ${reason}${instead}`));
      }
    },
    hosts: (hosts, networks, state) => {
      terminal.line();
      for (const row of renderHosts(hosts, networks, state, paint)) terminal.line(`  ${row}`);
    },
    matrices: (networks, containers, results) => {
      for (const network of networks) {
        terminal.line();
        for (const row of renderMatrix(network, containers, results, paint)) terminal.line(`  ${row}`);
      }
      terminal.line();
      terminal.line(
        paint.faint(
          '  row reaches column by ping and TCP, seen under its own address; outside, under its host’s',
        ),
      );
      terminal.line();
    },
    figures: (results, throughput) => {
      const rtt = medianMs(results.filter(({ kind }) => kind === 'ping'));
      const connect = medianMs(results.filter(({ kind }) => kind === 'tcp'));
      terminal.line();
      if (rtt !== undefined) terminal.line(`  ping round trip, median          ${rtt.toFixed(2)} ms`);
      if (connect !== undefined) terminal.line(`  TCP connect and echo, median     ${connect.toFixed(2)} ms`);
      if (throughput === undefined) return;
      const { overlayBitsPerSecond: overlay, underlayBitsPerSecond: underlay } = throughput;
      const share = underlay > 0 ? ` (${Math.round((100 * overlay) / underlay)} %)` : '';
      terminal.line(`  TCP container to container       ${formatRate(overlay)}`);
      terminal.line(`  TCP on the bare underlay         ${formatRate(underlay)}${share}`);
    },
    failover: ({ killed, leader, joined, leaderMs, registrationMs, agentsKept }) => {
      const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
      terminal.line();
      terminal.line(`  leader killed                    ${killed}`);
      terminal.line(`  leader since                     ${leader}, after ${seconds(leaderMs)}`);
      terminal.line(`  first committed registration     ${joined}, after ${seconds(registrationMs)}`);
      terminal.line(`  agents that kept everything      ${agentsKept} of ${agentsKept}`);
    },
    places: ({ grpc, state, metrics, page }) => {
      terminal.line();
      terminal.line(`  gRPC      ${grpc}   (bin/overlayctl --master ${grpc} agent ls)`);
      terminal.line(`  state     ${state}`);
      if (page !== undefined) terminal.line(`  web page  ${page}`);
      const [master, inside, ...others] = metrics;
      terminal.line(`  metrics   ${master ?? ''}`);
      if (inside !== undefined) terminal.line(`            ${inside}`);
      terminal.line(
        paint.faint(
          `            and ${others.length} more like it: ipam, dataplane, the other hosts (--json lists them)`,
        ),
      );
    },
    ending: (report) => {
      terminal.line();
      if (report.error !== undefined) terminal.line(`${bad} ${report.error}`);
      const checks = allChecks(report);
      for (const failure of listFailures(checks)) terminal.line(`${bad} ${failure}`);
      const passed = checks.filter(({ ok }) => ok).length;
      const count = `${passed} of ${checks.length} checks passed in ${report.seconds} s`;
      terminal.line(
        report.ok ? `${good} ${paint.strong(count)}` : `${bad} ${paint.strong(`The demo failed: ${count}`)}`,
      );
      if (report.stop !== undefined)
        terminal.line(`  Everything is left running; stop it with: ${report.stop}`);
      if (report.logs !== undefined) terminal.line(`  Logs, configurations and state: ${report.logs}`);
    },
  };
}
