import { describe, expect, it } from '@jest/globals';
import { parseCidr, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { parseNodeId } from '@overlay/model';
import { createLogger, Metrics } from '@overlay/service';
import { DataplaneMetrics } from '../dataplane-metrics.js';
import type { HostDescription } from '../desired/host-description.js';
import type { PeerDescription } from '../desired/peer-description.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { ApplyLoop } from './apply-loop.js';
import { wholeKinds } from './check-scope.js';
import { ALL_KINDS } from './plan-check.js';
import { Reconciler } from './reconciler.js';
import { HandClock } from './testing/hand-clock.js';

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

function peer(n: number): PeerDescription {
  return {
    nodeId: parseNodeId(`node-${n}`),
    ip: parseIpAddress(`10.0.0.${n + 1}`),
    vtepIp: parseIpAddress(`44.128.0.${n + 1}`),
    vtepMac: parseMacAddress(`70:b3:d5:80:00:0${n + 1}`),
    prefixes: [],
  };
}

function open() {
  const kernel = new FakeKernel();
  const clock = new HandClock();
  const reconciler = new Reconciler(kernel);
  const loop = new ApplyLoop({
    reconciler,
    clock,
    random: () => 0.5,
    logger: createLogger('overlay-dataplane', 'silent'),
    metrics: new DataplaneMetrics(new Metrics('overlay-dataplane'), reconciler),
  });
  return { kernel, clock, reconciler, loop };
}

function step(numbers: readonly number[], snapshot?: readonly number[], revision?: bigint) {
  const id = (n: number) => parseNodeId(`node-${n}`);
  return {
    peers: new Map(numbers.map((n) => [id(n), peer(n)])),
    snapshot: snapshot && new Set(snapshot.map(id)),
    revision,
  };
}

/** A thousand peers that have nothing in common with those of another number. */
function crowd(number: number) {
  const members = Array.from({ length: 1_000 }, (_, index) => number * 1_000 + index + 2);
  const spread = members.map((n): PeerDescription => {
    const [high, low] = [n >> 8, n & 0xff];
    return {
      nodeId: parseNodeId(`node-${n}`),
      ip: parseIpAddress(`10.1.${high}.${low}`),
      vtepIp: parseIpAddress(`44.128.${high}.${low}`),
      vtepMac: parseMacAddress(`70:b3:d5:80:${hex(high)}:${hex(low)}`),
      prefixes: [],
    };
  });
  return {
    peers: new Map(spread.map((each) => [each.nodeId, each])),
    snapshot: undefined,
    revision: undefined,
  };
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}

describe('ApplyLoop', () => {
  it('writes frames that come together in one batch', async () => {
    const { kernel, clock, loop } = open();
    await loop.applyHost(HOST);
    const before = kernel.log.length;
    loop.takePeers(step([1]));
    loop.takePeers(step([2, 3]));
    loop.takePeers(step([], [1, 2, 3], 5n));
    expect(kernel.log.length).toBe(before);
    await clock.advance(10);
    await loop.settled();
    const kinds = kernel.log.slice(before).map((line) => line.split(' ')[1]);
    expect(kinds).toEqual([
      ...new Array(3).fill('fdb'),
      ...new Array(3).fill('neigh'),
      ...new Array(3).fill('nexthop'),
      ...new Array(3).fill('route'),
      ...new Array(4).fill('nft'),
    ]);
    expect(loop.appliedRevision).toBe(5n);
    expect(loop.peerWrites).toBe(16);
  });

  it('removes whom a finished snapshot does not name, whether written or still waiting', async () => {
    const { kernel, clock, loop } = open();
    await loop.applyHost(HOST);
    loop.takePeers(step([1, 2], [1, 2], 1n));
    await clock.advance(10);
    loop.takePeers(step([3]));
    loop.takePeers(step([2], [2], 2n));
    await clock.advance(10);
    await loop.settled();
    expect(kernel.dump()).toContain('44.128.0.3');
    expect(kernel.dump()).not.toMatch(/44\.128\.0\.[24] /);
  });

  it('lets crowds of peers that follow each other go before a check of the kernel', async () => {
    const { kernel, clock, loop } = open();
    await loop.applyHost(HOST);
    kernel.meddle('remove', { kind: 'sysctl', key: 'net/ipv4/ip_forward', value: '1' });
    const before = kernel.log.length;
    loop.takePeers(crowd(0));
    const checking = loop.check(wholeKinds(ALL_KINDS));
    kernel.refuse((object) => {
      if (object.kind === 'fdb') loop.takePeers(crowd(1));
      if (object.kind === 'fdb') kernel.refuse(undefined);
      return undefined;
    });
    await clock.advance(10);
    await clock.advance(10);
    await checking;
    const kinds = kernel.log.slice(before).map((line) => line.split(' ')[1]);
    expect(kinds.filter((kind) => kind === 'fdb')).toHaveLength(2_000);
    expect(kinds.indexOf('sysctl')).toBeGreaterThan(kinds.lastIndexOf('fdb'));
  });

  it('plans the next crowd while the kernel takes the one before', async () => {
    const { kernel, clock, reconciler, loop } = open();
    await loop.applyHost(HOST);
    loop.takePeers(crowd(0));
    const wanted = () => reconciler.tracker.counts('fdb').desired;
    const seen: number[] = [];
    kernel.refuse(() => {
      kernel.refuse(undefined);
      loop.takePeers(crowd(1));
      seen.push(wanted());
      return undefined;
    });
    await clock.advance(10);
    await loop.settled();
    expect(seen).toEqual([2_000]);
    expect(loop.peerWrites).toBe(8_000);
    expect(reconciler.tracker.counts('fdb')).toEqual({ desired: 2_000, present: 2_000 });
  });

  it('tries again what failed, later each time, until it stands', async () => {
    const { kernel, clock, loop, reconciler } = open();
    kernel.refuse((object) => (object.kind === 'rule' || object.kind === 'nftables' ? 'busy' : undefined));
    await loop.applyHost(HOST);
    expect(reconciler.failures.size).toBe(1);
    for (const waitMs of [500, 1_000, 2_000]) {
      expect(clock.waits.at(-1)).toBe(waitMs);
      await clock.advance(waitMs);
    }
    kernel.refuse(undefined);
    await clock.advance(4_000);
    await loop.settled();
    expect(reconciler.failures.size).toBe(0);
    const { reads } = kernel;
    await clock.advance(60_000);
    expect(kernel.reads).toBe(reads);
    await loop.close();
  });

  it('leaves out a description whose sender has gone while it waited', async () => {
    const { kernel, loop, reconciler } = open();
    const gone = new AbortController();
    const first = loop.applyHost(HOST);
    const second = loop.applyHost({ ...HOST, overlayMtuBytes: 1300 }, gone.signal);
    gone.abort();
    await first;
    await expect(second).rejects.toMatchObject({ code: 'aborted' });
    expect([kernel.reads, reconciler.host]).toEqual([1, HOST]);
    await loop.close();
  });
});
