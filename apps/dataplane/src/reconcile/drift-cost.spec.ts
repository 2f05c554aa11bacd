import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { parseNodeId } from '@overlay/model';
import { createLogger, Metrics } from '@overlay/service';
import { DataplaneMetrics } from '../dataplane-metrics.js';
import type { PeerDescription } from '../desired/peer-description.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import { ApplyLoop } from './apply-loop.js';
import { DriftWatch } from './drift-watch.js';
import { Reconciler } from './reconciler.js';
import { HandClock } from './testing/hand-clock.js';
import { DCOS, HOST } from './testing/host-fixture.js';

const PEERS = 10_000;
/** Objects of one host and of what hangs on one device, many times over; of all peers there are 80,000. */
const FEW = 40;

function peer(n: number): PeerDescription {
  const [high, low] = [Math.floor(n / 256), n % 256];
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  return {
    nodeId: parseNodeId(`node-${n}`),
    ip: parseIpAddress(`10.1.${high}.${low}`),
    vtepIp: parseIpAddress(`44.129.${high}.${low}`),
    vtepIp6: parseIpAddress(`fd01:a::${(n + 16).toString(16)}`),
    vtepMac: parseMacAddress(`70:b3:d5:81:${hex(high)}:${hex(low)}`),
    prefixes: [
      { networkId: DCOS.id, prefix: parseCidr(`9.${64 + high}.${low}.0/26`) },
      { networkId: DCOS.id, prefix: parseCidr(`fd01:b:0:0:${(n + 1).toString(16)}::/80`) },
    ],
  };
}

describe('the cost of an event among 10,000 peers', () => {
  const clock = new HandClock();
  const kernel = new FakeKernel();
  const reconciler = new Reconciler(kernel, { nexthopObjects: 'off' });
  const logger = createLogger('overlay-dataplane', 'silent');
  const metrics = new DataplaneMetrics(new Metrics('overlay-dataplane'), reconciler);
  const loop = new ApplyLoop({ reconciler, clock, random: () => 0.5, logger, metrics });
  let drift: DriftWatch;
  let healthy: string;

  const pass = async () => {
    for (let step = 0; step < 20; step += 1) await clock.advance(50);
    await loop.settled();
  };
  const wanted = (key: string): KernelObject => {
    const object = reconciler.tracker.wanted(key);
    if (object === undefined) throw new OverlayError('not_found', key);
    return object;
  };
  /** What is read and compared until everything is quiet after `happens`. */
  const costOf = async (happens: () => void) => {
    const before = { read: kernel.objectsRead, compared: reconciler.tracker.compared };
    happens();
    await pass();
    return {
      read: kernel.objectsRead - before.read,
      compared: reconciler.tracker.compared - before.compared,
    };
  };
  const small = { read: expect.any(Number), compared: expect.any(Number) };
  const expectFew = async (happens: () => void) => {
    const cost = await costOf(happens);
    expect(cost).toEqual(small);
    expect(cost.read).toBeLessThan(FEW);
    expect(cost.compared).toBeLessThan(FEW);
  };

  beforeAll(async () => {
    drift = new DriftWatch({ loop, reconciler, clock, logger, watches: [kernel], resyncMs: 86_400_000 });
    // A VTEP subnet with room for all: the kernel in memory asks for an address that the gateways are on-link of.
    const vtep = { ...HOST.vtep, address: '44.128.0.1/13' as typeof HOST.vtep.address };
    const vtepSubnets = [parseCidr('44.128.0.0/13'), parseCidr('fd01:a::/64')];
    await loop.applyHost({ ...HOST, vtep, vtepSubnets });
    const peers = new Map(
      Array.from({ length: PEERS }, (_, n) => peer(n)).map((each) => [each.nodeId, each]),
    );
    loop.takePeers({ peers, snapshot: new Set(peers.keys()), revision: 1n });
    await pass();
    await pass();
    expect(reconciler.tracker.counts('route').present).toBeGreaterThan(PEERS);
    healthy = kernel.dump();
  }, 60_000);

  afterAll(async () => {
    await drift.close();
    await loop.close();
  });

  it('is that of one device when a container starts, and when it ends', async () => {
    await expectFew(() => kernel.plug('veth00000001', 'm-dcos'));
    expect(reconciler.tracker.counts('port')).toEqual({ desired: 1, present: 1 });
    await expectFew(() => kernel.unplug('veth00000001'));
    expect(reconciler.tracker.counts('port')).toEqual({ desired: 0, present: 0 });
  });

  it.each([
    'neighbour vtep1024 44.129.0.7',
    'fdb vtep1024 70:b3:d5:81:00:07',
    'route 254 9.64.7.0/26',
    'route 42 10.1.0.7/32',
    'admission 10.1.0.7',
    'rule 9.0.0.0/8',
    'address m-dcos 9.0.0.1/27',
  ])('is that of one entry when %s is lost', async (key) => {
    await expectFew(() => kernel.meddle('remove', wanted(key)));
    expect(kernel.dump()).toBe(healthy);
  });

  it('is that of one entry when there is a stray one', async () => {
    const route = wanted('route 254 9.64.7.0/26');
    if (route.kind !== 'route') throw new OverlayError('internal', 'no route');
    await expectFew(() => kernel.meddle('add', { ...route, prefix: parseCidr('9.1.1.0/26') }));
    expect(kernel.dump()).toBe(healthy);
  });

  it('is that of the device when the tunnel changes, by others or by this process', async () => {
    const link = wanted('link vtep1024');
    if (link.kind !== 'link' || link.type !== 'vxlan') throw new OverlayError('internal', 'no tunnel');
    await expectFew(() => kernel.meddle('add', { ...link, mtuBytes: 1300 }));
    expect(kernel.dump()).toBe(healthy);
  });

  it('is nothing for entries of others', async () => {
    const neighbour = wanted('neighbour vtep1024 44.129.0.7');
    if (neighbour.kind !== 'neighbour') throw new OverlayError('internal', 'no neighbour');
    expect(await costOf(() => kernel.meddle('add', { ...neighbour, device: 'eth0' }))).toEqual({
      read: 0,
      compared: 0,
    });
    kernel.meddle('remove', { ...neighbour, device: 'eth0' });
  });

  it('is that of the batch when a peer changes', async () => {
    const moved = { ...peer(7), ip: parseIpAddress('10.1.200.7') };
    await expectFew(() =>
      loop.takePeers({ peers: new Map([[moved.nodeId, moved]]), snapshot: undefined, revision: 2n }),
    );
    expect(kernel.dump()).toContain('dst 10.1.200.7 ');
  });
});
