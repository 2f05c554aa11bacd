import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toOverlayError } from '@overlay/failure';
import { type Container, OUTSIDE, Testbed } from '@overlay/testbed';
import { attachContainers, describeContainers } from './attach-containers.js';
import type { CheckResult, DemoContainer, DemoHost } from './check.js';
import { findPlaces } from './find-places.js';
import { measureThroughput } from './measure-throughput.js';
import { planChecks } from './plan-checks.js';
import type { DemoPlaces, DemoReport, ThroughputReport } from './report.js';
import { runChecks } from './run-checks.js';
import { DEMO_LABEL } from './stop.js';
import { createStory, type Story } from './story.js';
import type { Terminal } from './terminal.js';

/** The most hosts a demo takes: each brings four containers and seven processes. */
export const MAX_DEMO_HOSTS = 20;

/** What the user asked for. */
export interface DemoOptions {
  readonly hosts: number;
  readonly keep: boolean;
}

/** What is known so far; it grows as the demo goes on, so that a failure still reports what went before. */
interface Findings {
  hosts: readonly DemoHost[];
  containers: readonly DemoContainer[];
  checks: readonly CheckResult[];
  throughput?: ThroughputReport;
  places?: DemoPlaces;
}

const NETWORKS = ['dcos', 'dcos6'];
const STOP_COMMAND = 'npm run demo -- --stop';
const HTTP_PORT = 5050;

/** Runs the demo from nothing to nothing and tells it on the terminal. Never rejects: a failure is in the report. */
export async function runDemo(options: DemoOptions, terminal: Terminal): Promise<DemoReport> {
  const started = performance.now();
  const story = createStory(terminal);
  const findings: Findings = { hosts: [], containers: [], checks: [] };
  let testbed: Testbed | undefined;
  let error: string | undefined;
  try {
    story.title(
      `Overlay demo: ${options.hosts} ${options.hosts === 1 ? 'host' : 'hosts'}, networks ${NETWORKS.join(' and ')}`,
    );
    testbed = await story.step('the underlay, the hosts and an outside are in place', () =>
      Testbed.create({ hosts: options.hosts, label: DEMO_LABEL, preferredHttpPort: HTTP_PORT }),
    );
    await explore(testbed, findings, story);
  } catch (cause) {
    error = toOverlayError(cause).message;
  }
  const ok = error === undefined && findings.checks.length > 0 && findings.checks.every((check) => check.ok);
  const end = await finish(testbed, options.keep, ok);
  const failure = relocate(error ?? end.error, testbed?.folder, end.logs);
  const report: DemoReport = {
    ok: ok && failure === undefined,
    ...findings,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    ...(end.stop === undefined ? {} : { stop: end.stop }),
    ...(end.logs === undefined ? {} : { logs: end.logs }),
    ...(failure === undefined ? {} : { error: failure }),
  };
  story.ending(report);
  return report;
}

async function explore(testbed: Testbed, findings: Findings, story: Story): Promise<void> {
  const timeoutMs = 30_000 + 5_000 * testbed.hosts.length; // all of them share the machine's cores
  findings.hosts = testbed.hosts.map(({ label, address }) => ({ name: label, ...address }));
  await story.step('overlay-master runs, and agent, ipam and dataplane on every host', () =>
    testbed.start('listening', timeoutMs),
  );
  const state = await story.step(`${NETWORKS.join(' and ')} are STATUS_OK on every host`, () =>
    testbed.waitSettled(NETWORKS, timeoutMs),
  );
  findings.places = await findPlaces(testbed);
  const containers = await story.step('containers are attached to both halves of every host', async () => {
    const attached = await attachContainers(testbed.hosts, NETWORKS);
    await Promise.all([testbed.outside, ...attached.values()].map((namespace) => namespace.serveEcho()));
    return attached;
  });
  findings.containers = describeContainers(containers);
  const checks = planChecks(findings.containers, findings.hosts, OUTSIDE);
  findings.checks = await story.step(
    `${checks.length} checks: ping and TCP, everyone to everyone and outside`,
    () => runChecks(checks, containers),
  );
  story.hosts(findings.hosts, NETWORKS, state);
  story.matrices(NETWORKS, findings.containers, findings.checks);
  if (findings.checks.every((check) => check.ok)) await measure(testbed, containers, findings, story);
  story.places(findings.places);
}

/** Speed is worth a look only where everyone reaches everyone. */
async function measure(
  testbed: Testbed,
  containers: ReadonlyMap<string, Container>,
  findings: Findings,
  story: Story,
): Promise<void> {
  const throughput = await story.step('one TCP stream across hosts, and one on the bare underlay', () =>
    measureThroughput(testbed.hosts, containers),
  );
  if (throughput !== undefined) findings.throughput = throughput;
  story.figures(findings.checks, throughput);
}

async function finish(
  testbed: Testbed | undefined,
  keep: boolean,
  ok: boolean,
): Promise<Pick<DemoReport, 'stop' | 'logs' | 'error'>> {
  if (testbed === undefined) return {};
  try {
    if (keep) {
      testbed.detach();
      return { stop: STOP_COMMAND, logs: testbed.folder };
    }
    if (ok) {
      await testbed.close();
      return {};
    }
    const logs = join(tmpdir(), `overlay-demo-${testbed.name}`);
    await testbed.close(logs);
    return { logs };
  } catch (cause) {
    return { error: toOverlayError(cause).message, logs: testbed.folder };
  }
}

/** A message written before the folder moved names files that are elsewhere now. */
function relocate(
  message: string | undefined,
  from: string | undefined,
  to: string | undefined,
): string | undefined {
  return from === undefined || to === undefined ? message : message?.replaceAll(from, to);
}
