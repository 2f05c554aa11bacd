import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { parseNodeId } from '@overlay/model';
import { createLogger, Metrics } from '@overlay/service';
import { DataplaneMetrics } from '../dataplane-metrics.js';
import type { HostDescription } from '../desired/host-description.js';
import { dumpObject } from '../kernel/fake/dump-object.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { KernelObject, KernelObjectKind } from '../kernel/kernel-object.js';
import { ApplyLoop } from './apply-loop.js';
import { DriftWatch } from './drift-watch.js';
import { ALL_KINDS } from './plan-check.js';
import { Reconciler } from './reconciler.js';
import { HandClock } from './testing/hand-clock.js';
import { DCOS } from './testing/host-fixture.js';

const RESYNC_MS = 60_000;

const HOST: HostDescription = {
  nodeId: parseNodeId('node-0'),
  ip: parseIpAddress('10.0.0.1'),
  vtep: {
    name: 'vtep1024',
    vni: 1024,
    address: parseInterfaceAddress('44.128.0.1/20'),
    mac: parseMacAddress('70:b3:d5:80:00:01'),
    mtuBytes: 1420,
  },
  vtepSubnets: [parseCidr('44.128.0.0/20')],
  networks: [],
  clusterNetworks: [],
  overlayMtuBytes: 1420,
  configureCniBridges: true,
  configureDockerBridges: true,
  enableIpv6: false,
  commandTimeoutMs: 1000,
};

const NEIGHBOUR: KernelObject = {
  kind: 'neighbour',
  device: 'vtep1024',
  address: parseIpAddress('44.128.0.2'),
  mac: parseMacAddress('70:b3:d5:80:00:02'),
};
const SYSCTL: KernelObject = { kind: 'sysctl', key: 'net/ipv4/ip_forward', value: '0' };

describe('DriftWatch', () => {
  let kernel: FakeKernel;
  let clock: HandClock;
  let loop: ApplyLoop;
  let drift: DriftWatch;
  let reconciler: Reconciler;
  let metrics: Metrics;

  /** Lets `ms` pass in steps, as long waits are made of short ones. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) await clock.advance(Math.min(50, left));
    await loop.settled();
  };

  beforeEach(async () => {
    kernel = new FakeKernel();
    clock = new HandClock();
    metrics = new Metrics('overlay-dataplane');
    reconciler = new Reconciler(kernel);
    const logger = createLogger('overlay-dataplane', 'silent');
    loop = new ApplyLoop({
      reconciler,
      clock,
      random: () => 0.5,
      logger,
      metrics: new DataplaneMetrics(metrics, reconciler),
    });
    drift = new DriftWatch({ loop, reconciler, clock, logger, watches: [kernel], resyncMs: RESYNC_MS });
    await loop.applyHost(HOST);
    const nodeId = parseNodeId('node-1');
    const peer = {
      nodeId,
      ip: parseIpAddress('10.0.0.2'),
      vtepIp: parseIpAddress('44.128.0.2'),
      vtepMac: parseMacAddress('70:b3:d5:80:00:02'),
      prefixes: [],
    };
    loop.takePeers({ peers: new Map([[nodeId, peer]]), snapshot: new Set([nodeId]), revision: 1n });
    await pass(500);
  });

  afterEach(async () => {
    await drift.close();
    await loop.close();
  });

  it('repairs what is removed without reading anything, and nothing is read for its own write', async () => {
    const before = kernel.dump();
    const { reads } = kernel;
    kernel.meddle('remove', NEIGHBOUR);
    await pass(1_000);
    expect(kernel.dump()).toBe(before);
    expect(kernel.reads).toBe(reads);
    expect(kernel.log.at(-1)).toMatch(/^add neigh 44\.128\.0\.2/);
    const text = await metrics.render();
    expect(text).toMatch(/dataplane_drift_found_total\{kind="neighbour",process="overlay-dataplane"\} 1/);
    expect(text).toMatch(/dataplane_drift_repaired_total\{kind="neighbour",process="overlay-dataplane"\} 1/);
  });

  it('reads nothing when peers come and go', async () => {
    const { reads } = kernel;
    const nodeId = parseNodeId('node-2');
    const peer = {
      nodeId,
      ip: parseIpAddress('10.0.0.3'),
      vtepIp: parseIpAddress('44.128.0.3'),
      vtepMac: parseMacAddress('70:b3:d5:80:00:03'),
      prefixes: [],
    };
    for (const value of [peer, undefined]) {
      loop.takePeers({ peers: new Map([[nodeId, value]]), snapshot: undefined, revision: 2n });
      await pass(500);
    }
    expect(kernel.dump()).not.toContain('44.128.0.3');
    expect(kernel.reads).toBe(reads);
  });

  it('finds at the full check what came without an event', async () => {
    kernel.silently(() => kernel.meddle('add', SYSCTL));
    await pass(1_000);
    expect(kernel.dump()).toContain('ip_forward = 0');
    await pass(RESYNC_MS);
    expect(kernel.dump()).toContain('ip_forward = 1');
  });

  it('compares everything less often where that takes long', async () => {
    const slowMs = 10_000;
    const read = kernel.read.bind(kernel);
    let full = 0;
    kernel.read = async (scope) => {
      if (scope.kinds?.size === ALL_KINDS.size) {
        full += 1;
        await clock.sleep(slowMs);
      }
      return read(scope);
    };
    await pass(RESYNC_MS + slowMs + 500);
    expect(full).toBe(1);
    // One was due before it was known how long it takes.
    await pass(RESYNC_MS + slowMs + 500);
    expect(full).toBe(2);
    await pass(17 * slowMs);
    expect(full).toBe(2);
    await pass(2 * slowMs);
    expect(full).toBe(3);
  });

  it('waits longer and longer for somebody who undoes every repair, and is quick again after a calm', async () => {
    const undo = async () => {
      const done = kernel.log.length;
      kernel.meddle('remove', NEIGHBOUR);
      const startMs = clock.monotonicMs();
      while (kernel.log.length === done) await clock.advance(50);
      await loop.settled();
      return clock.monotonicMs() - startMs;
    };
    const waitsMs = [await undo(), await undo(), await undo(), await undo()];
    expect([...waitsMs].sort((a, b) => a - b)).toEqual(waitsMs);
    expect(waitsMs.at(-1)).toBeGreaterThan(waitsMs[0] ?? 0);
    await pass(20_000);
    await undo();
    expect(await undo()).toBeLessThan(waitsMs.at(-1) ?? 0);
  });

  describe('while somebody spoils an object again and again', () => {
    /** Spoils an object of ours; tells how long it stayed so. */
    const spoil = async (object: KernelObject) => {
      if (object.kind === 'sysctl') kernel.meddle('add', { ...object, value: '0' });
      else if (object.kind === 'link' && object.type === 'vxlan')
        kernel.meddle('add', { ...object, mtuBytes: 1300 });
      else kernel.meddle('remove', object);
      const startMs = clock.monotonicMs();
      while (!kernel.dump().includes(dumpObject(object))) await clock.advance(50);
      return clock.monotonicMs() - startMs;
    };

    it.each<KernelObjectKind>(['nftables', 'docker-accept', 'link', 'sysctl', 'neighbour'])(
      'repairs a %s later and later, other objects at once, and it too after a calm',
      async (kind) => {
        kernel.setDockerChains([{ backend: 'nft', family: 4 }]);
        await loop.applyHost({ ...HOST, clusterNetworks: [DCOS] });
        await pass(500);
        const [object = NEIGHBOUR] = reconciler.tracker.wantedOf(kind);
        const [other = NEIGHBOUR] = reconciler.tracker.wantedOf(kind === 'neighbour' ? 'rule' : 'neighbour');
        const times: number[] = [];
        for (let round = 0; round < 10; round += 1) {
          await spoil(object);
          times.push(clock.monotonicMs());
          // Looks at the echo of the repair, and at what is all right, come in between.
          kernel.setUnderlay({ device: 'eth0', mtuBytes: 9000 });
          for (let ms = 0; ms < 300; ms += 50) await clock.advance(50);
        }
        const pauses = times.map((timeMs, round) => timeMs - (times[round - 1] ?? timeMs)).slice(1);
        expect(pauses[0]).toBeLessThan(500);
        expect(pauses.at(-1)).toBeGreaterThan(4_000);
        await pass(6_000);
        expect(await spoil(other)).toBeLessThanOrEqual(100);
        await pass(25_000);
        expect(await spoil(object)).toBeLessThanOrEqual(100);
      },
    );
  });

  it('starts a watch again that ended, and looks at everything then', async () => {
    kernel.endWatches();
    kernel.silently(() => kernel.meddle('remove', NEIGHBOUR));
    await pass(2_000);
    expect(kernel.dump()).toContain('neigh 44.128.0.2');
    kernel.meddle('remove', NEIGHBOUR);
    await pass(1_000);
    expect(kernel.dump()).toContain('neigh 44.128.0.2');
  });

  it('reads everything less and less often for a watch that ends again and again', async () => {
    const { reads } = kernel;
    const endFor = async (ms: number) => {
      for (let left = ms; left > 0; left -= 500) {
        kernel.endWatches();
        await pass(500);
      }
      return kernel.reads;
    };
    const soon = await endFor(10_000);
    expect(soon).toBeGreaterThan(reads);
    const later = await endFor(10_000);
    expect(later - soon).toBeLessThan(soon - reads);
  });

  it('does not listen while crowds of peers are written, looks at everything then, and listens again', async () => {
    const crowd = Array.from({ length: 1_000 }, (_, n) => {
      const [high, low] = [8 + (n >> 8), n & 0xff];
      return {
        nodeId: parseNodeId(`crowd-${n}`),
        ip: parseIpAddress(`10.1.${high}.${low}`),
        vtepIp: parseIpAddress(`44.128.${high}.${low}`),
        vtepMac: parseMacAddress(`70:b3:d5:81:0${high - 8}:${low.toString(16).padStart(2, '0')}`),
        prefixes: [],
      };
    });
    const heard = kernel.watchers;
    const during: number[] = [];
    kernel.refuse(() => {
      kernel.refuse(undefined);
      kernel.meddle('remove', NEIGHBOUR);
      during.push(kernel.watchers);
      return undefined;
    });
    const peers = new Map(crowd.map((each) => [each.nodeId, each]));
    loop.takePeers({ peers, snapshot: undefined, revision: 2n });
    await pass(1_000);
    expect([heard, during, kernel.watchers]).toEqual([1, [0], 1]);
    expect(kernel.dump()).toContain('neigh 44.128.0.2');
    const { reads } = kernel;
    kernel.meddle('remove', NEIGHBOUR);
    await pass(1_000);
    expect(kernel.dump()).toContain('neigh 44.128.0.2');
    expect(kernel.reads).toBe(reads);
    // A crowd of which everything stands is nothing to look away for.
    loop.takePeers({ peers, snapshot: undefined, revision: 3n });
    await pass(1_000);
    expect(kernel.reads).toBe(reads);
  });
});
