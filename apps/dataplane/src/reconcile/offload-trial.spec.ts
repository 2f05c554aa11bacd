import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, Metrics } from '@overlay/service';
import { DataplaneMetrics } from '../dataplane-metrics.js';
import { OffloadDecision } from '../desired/offload-decision.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { FakeProbe } from '../kernel/fake/fake-probe.js';
import { ApplyLoop } from './apply-loop.js';
import { DriftWatch } from './drift-watch.js';
import { OffloadTrial } from './offload-trial.js';
import { Reconciler } from './reconciler.js';
import { HandClock } from './testing/hand-clock.js';
import { HOST, peer } from './testing/host-fixture.js';

const ON = { kind: 'offload', device: 'vtep1024', on: true } as const;
const OFF = { ...ON, on: false };

describe('OffloadTrial', () => {
  let kernel: FakeKernel;
  let clock: HandClock;
  let reconciler: Reconciler;
  let loop: ApplyLoop;
  let drift: DriftWatch;
  let trial: OffloadTrial;
  let decision: OffloadDecision;
  let probe: FakeProbe;
  let metrics: Metrics;

  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 250) await clock.advance(250);
    await loop.settled();
  };
  const isOn = () => /offload vtep1024.*\bon\b/.test(kernel.dump());
  const toggles = () => kernel.log.filter((line) => line.includes('offload')).length;
  const setUp = async (setting: 'auto' | 'on' | 'off' = 'auto', found: typeof ON | typeof OFF = ON) => {
    kernel = new FakeKernel();
    clock = new HandClock();
    metrics = new Metrics('overlay-dataplane');
    decision = new OffloadDecision(setting, '6.1.0');
    probe = new FakeProbe(isOn);
    reconciler = new Reconciler(kernel, { nexthopObjects: 'auto', offload: decision });
    const logger = createLogger('overlay-dataplane', 'silent');
    const random = () => 0.5;
    loop = new ApplyLoop({
      reconciler,
      clock,
      random,
      logger,
      metrics: new DataplaneMetrics(metrics, reconciler),
    });
    drift = new DriftWatch({ loop, reconciler, clock, logger, watches: [kernel], resyncMs: 60_000 });
    trial = new OffloadTrial({ decision, probe, loop, reconciler, clock, random, logger, metrics });
    await loop.applyHost(HOST);
    // The kernel's own doing, when the device is made.
    kernel.meddle('add', found);
    await pass(1_000);
  };
  const meet = async (...numbers: readonly number[]) => {
    const peers = new Map(numbers.map((n) => [peer(n).nodeId, peer(n)]));
    loop.takePeers({ peers, snapshot: new Set(peers.keys()), revision: 1n });
    await pass(6_000);
  };

  beforeEach(() => setUp());

  afterEach(async () => {
    await trial.close();
    await drift.close();
    await loop.close();
  });

  const close = async () => {
    await trial.close();
    await drift.close();
    await loop.close();
  };

  it('asks a few peers in both families, however many there are, and switches nothing when one answers', async () => {
    await pass(10_000);
    expect(probe.asked).toEqual([]);
    await meet(...Array.from({ length: 100 }, (_, n) => n + 1));
    expect(decision.standing).toBe('works');
    expect(probe.asked).toHaveLength(6);
    expect(probe.asked[1]).toEqual({ from: 'fd01:a::1', to: 'fd01:a::2' });
    await pass(600_000);
    expect(probe.asked).toHaveLength(6);
    expect([isOn(), toggles()]).toEqual([true, 0]);
  });

  it('switches offload off where it spoils packets, says so, and keeps it off', async () => {
    probe.spoils = true;
    await meet(1, 2);
    expect([decision.standing, isOn(), toggles()]).toEqual(['spoils', false, 3]);
    expect(reconciler.warnings).toEqual([expect.stringContaining('spoils checksums')]);
    expect(await metrics.render()).toMatch(/checksum_offload_standing\{standing="spoils",.*\} 1/);
    kernel.meddle('add', ON);
    await pass(600_000);
    expect([isOn(), reconciler.failures.size]).toEqual([false, 0]);
  });

  it('asks over the family that gets through', async () => {
    probe.up = ({ to }) => to.includes(':');
    await meet(1);
    expect(decision.standing).toBe('works');
  });

  it('leaves it on when nobody answers, and asks others later, less and less often, and not for ever', async () => {
    probe.up = () => false;
    await meet(1, 2, 3, 4, 5, 6);
    expect([decision.standing, isOn()]).toEqual(['inconclusive', true]);
    const first = probe.asked.length;
    await pass(60_000);
    expect(new Set(probe.asked.map(({ to }) => to)).size).toBeGreaterThan(6);
    expect(probe.asked.length).toBeGreaterThan(first);
    await pass(6_000_000);
    const all = probe.asked.length;
    expect(all).toBe(first * 8);
    await pass(1_200_000);
    expect([probe.asked.length, isOn(), reconciler.warnings]).toEqual([all, true, []]);
  });

  it('finds out later, when a peer comes up', async () => {
    probe.up = () => false;
    await meet(1);
    probe.up = () => true;
    probe.spoils = true;
    await pass(600_000);
    expect([decision.standing, isOn()]).toEqual(['spoils', false]);
  });

  it('tries again when the underlay device or its driver changes', async () => {
    probe.spoils = true;
    await meet(1);
    probe.spoils = false;
    kernel.setUnderlay({ device: 'eth1', mtuBytes: 9000 });
    await loop.applyHost(HOST);
    await pass(6_000);
    expect([decision.standing, isOn()]).toEqual(['works', true]);
    expect(reconciler.warnings).toEqual([]);
  });

  it('leaves off what it finds off when it starts, for an earlier test may have ended so', async () => {
    await close();
    await setUp('auto', OFF);
    await meet(1);
    expect([decision.standing, isOn(), probe.asked]).toEqual(['found-off', false, []]);
    expect(reconciler.warnings).toEqual([expect.stringContaining('was off when this process started')]);
  });

  it('counts a trial in which offload could not be switched, and leaves the setting as it was', async () => {
    probe.up = () => false;
    kernel.refuse(({ kind }) => (kind === 'offload' ? 'netlink error: Operation not supported' : undefined));
    await meet(1);
    const once = probe.asked.length;
    await pass(5_000);
    expect(probe.asked).toHaveLength(once);
    await pass(6_000_000);
    expect(probe.asked).toHaveLength(once * 8);
    expect([decision.standing, isOn(), reconciler.failures.size]).toEqual(['inconclusive', true, 0]);
  });

  it('keeps what it had found when another device cannot be tried, and tries that one again later', async () => {
    probe.spoils = true;
    await meet(1);
    kernel.refuse(({ kind }) => (kind === 'offload' ? 'netlink error: Operation not supported' : undefined));
    kernel.setUnderlay({ device: 'eth1', mtuBytes: 9000 });
    await loop.applyHost(HOST);
    await pass(6_000);
    expect([decision.standing, isOn(), reconciler.failures.size]).toEqual(['spoils', false, 0]);
    kernel.refuse(undefined);
    probe.spoils = false;
    await pass(600_000);
    expect([decision.standing, isOn()]).toEqual(['works', true]);
  });

  it('puts back what was there before a trial when it is closed in the middle of one', async () => {
    probe.spoils = true;
    await meet(1);
    kernel.setUnderlay({ device: 'eth1', mtuBytes: 9000 });
    probe.holds = true;
    await loop.applyHost(HOST);
    await pass(6_000);
    expect(isOn()).toBe(true);
    await trial.close();
    expect([decision.standing, isOn()]).toEqual(['spoils', false]);
  });

  it.each([
    ['on', true],
    ['off', false],
  ] as const)('asks nobody when the configuration says %s', async (setting, on) => {
    await close();
    await setUp(setting);
    await meet(1);
    expect([probe.asked, isOn()]).toEqual([[], on]);
  });
});
