import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toOverlayError } from '@overlay/failure';
import { type Host, OUTSIDE, Testbed } from '@overlay/testbed';
import { type AttachedContainer, attachContainers, describeContainers } from './attach-containers.js';
import type { CheckResult, DemoContainer, DemoHost, DemoRuntime } from './check.js';
import type { DemoOptions } from './demo-options.js';
import { failOver } from './fail-over.js';
import { findPlaces } from './find-places.js';
import { findRuntimes, type RuntimesReport } from './find-runtimes.js';
import { measureThroughput } from './measure-throughput.js';
import { planChecks } from './plan-checks.js';
import {
  allChecks,
  type DemoPlaces,
  type DemoReport,
  type FailoverReport,
  type ThroughputReport,
} from './report.js';
import { runChecks } from './run-checks.js';
import { DEFAULT_DEMO_NAME } from './stop.js';
import { createStory, type Story } from './story.js';
import type { Terminal } from './terminal.js';

/** What is known so far; it grows as the demo goes on, so that a failure still reports what went before. */
interface Findings {
  hosts: readonly DemoHost[];
  runtimes?: RuntimesReport;
  containers: readonly DemoContainer[];
  checks: readonly CheckResult[];
  throughput?: ThroughputReport;
  failover?: FailoverReport;
  places?: DemoPlaces;
}

const NETWORKS = ['dcos', 'dcos6'];
const HTTP_PORT = 5050;

/** Runs the demo from nothing to nothing and tells it on the terminal. Never rejects: a failure is in the report. */
export async function runDemo(options: DemoOptions, terminal: Terminal): Promise<DemoReport> {
  const started = performance.now();
  const story = createStory(terminal);
  const findings: Findings = { hosts: [], containers: [], checks: [] };
  let testbed: Testbed | undefined;
  let error: string | undefined;
  try {
    const { hosts, masters, log } = options;
    const count = hosts === 1 ? '1 host' : `${hosts} hosts`;
    const keepers = log === 'etcd' ? `, ${masters === 1 ? '1 master' : `${masters} masters`} on etcd` : '';
    story.title(`Overlay demo: ${count}${keepers}, networks ${NETWORKS.join(' and ')}`);
    testbed = await story.step('the underlay, the hosts and an outside are in place', () =>
      Testbed.create({ hosts, masters, log, label: options.name, preferredHttpPort: HTTP_PORT }),
    );
    await explore(testbed, findings, story, options.killLeader);
  } catch (cause) {
    error = toOverlayError(cause).message;
  }
  const ok =
    error === undefined && findings.checks.length > 0 && allChecks(findings).every((check) => check.ok);
  const end = await finish(testbed, options, ok);
  const failure = relocate(error ?? end.error, testbed?.folder, end.logs);
  const report: DemoReport = {
    ok: ok && failure === undefined,
    masters: options.masters,
    log: options.log,
    ...findings,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    ...(end.stop === undefined ? {} : { stop: end.stop }),
    ...(end.logs === undefined ? {} : { logs: end.logs }),
    ...(failure === undefined ? {} : { error: failure }),
  };
  story.ending(report);
  return report;
}

async function explore(
  testbed: Testbed,
  findings: Findings,
  story: Story,
  killLeader: boolean,
): Promise<void> {
  const timeoutMs = 30_000 + 5_000 * testbed.hosts.length; // all of them share the machine's cores
  findings.hosts = describeHosts(testbed);
  const { used } = await prepareRuntimes(testbed, findings, story);
  const masters =
    testbed.masters.length === 1 ? 'overlay-master runs' : `${testbed.masters.length} overlay-masters run`;
  await story.step(`${masters}, and agent, ipam and dataplane on every host`, () =>
    testbed.start('listening', timeoutMs),
  );
  const state = await story.step(`${NETWORKS.join(' and ')} are STATUS_OK on every host`, () =>
    testbed.waitSettled(NETWORKS, timeoutMs),
  );
  findings.places = await findPlaces(testbed);
  const containers = await story.step(`containers on both halves of every host: ${used.join(', ')}`, () =>
    attach(testbed.hosts, testbed, used),
  );
  findings.containers = describeContainers(containers);
  findings.checks = await checkAll(findings, containers, story);
  story.hosts(findings.hosts, NETWORKS, state);
  story.matrices(NETWORKS, findings.containers, findings.checks);
  if (findings.checks.every((check) => check.ok)) await measure(testbed, containers, findings, story);
  if (killLeader) await surviveKill(testbed, findings, containers, story);
  story.places(findings.places);
}

async function prepareRuntimes(testbed: Testbed, findings: Findings, story: Story): Promise<RuntimesReport> {
  const runtimes = await story.step('the container runtimes of the hosts are up', () =>
    findRuntimes(testbed),
  );
  findings.runtimes = runtimes;
  story.runtimes(runtimes);
  return runtimes;
}

/** Attaches containers to hosts; whoever is called answers. */
async function attach(
  hosts: readonly Host[],
  testbed: Testbed,
  runtimes: readonly DemoRuntime[],
): Promise<ReadonlyMap<string, AttachedContainer>> {
  const attached = await attachContainers(hosts, NETWORKS, runtimes);
  const containers = [...attached.values()].map(({ container }) => container);
  await Promise.all([testbed.outside, ...containers].map((namespace) => namespace.serveEcho()));
  return attached;
}

async function checkAll(
  { containers, hosts }: Pick<Findings, 'containers' | 'hosts'>,
  attached: ReadonlyMap<string, AttachedContainer>,
  story: Story,
): Promise<readonly CheckResult[]> {
  const checks = planChecks(containers, hosts, OUTSIDE);
  return story.step(`${checks.length} checks: ping and TCP, everyone to everyone and outside`, () =>
    runChecks(checks, attached),
  );
}

/** The leader dies; everyone has to reach everyone as before, and whoever joined meanwhile. */
async function surviveKill(
  testbed: Testbed,
  findings: Findings,
  containers: ReadonlyMap<string, AttachedContainer>,
  story: Story,
): Promise<void> {
  const outcome = await failOver(testbed, NETWORKS, story);
  const used = findings.runtimes?.used ?? [];
  const joined = await attach([testbed.host(outcome.joined)], testbed, used);
  const attached = new Map([...containers, ...joined]);
  findings.hosts = describeHosts(testbed);
  findings.containers = describeContainers(attached);
  findings.failover = { ...outcome, checks: [] };
  findings.failover = { ...outcome, checks: await checkAll(findings, attached, story) };
  story.failover(findings.failover);
}

function describeHosts(testbed: Testbed): readonly DemoHost[] {
  return testbed.hosts.map(({ label, address }) => ({ name: label, ...address }));
}

/** Speed is worth a look only where everyone reaches everyone. */
async function measure(
  testbed: Testbed,
  containers: ReadonlyMap<string, AttachedContainer>,
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
  { keep, name }: DemoOptions,
  ok: boolean,
): Promise<Pick<DemoReport, 'stop' | 'logs' | 'error'>> {
  if (testbed === undefined) return {};
  try {
    if (keep) {
      testbed.detach();
      const named = name === DEFAULT_DEMO_NAME ? '' : ` --name ${name}`;
      return { stop: `npm run demo -- --stop${named}`, logs: testbed.folder };
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
