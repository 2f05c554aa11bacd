import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { parseNodeId } from '@overlay/model';
import type { PeerDescription } from '../desired/peer-description.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { type KernelObject, keyOf } from '../kernel/kernel-object.js';
import type { KernelTables } from '../kernel/kernel-tables.js';
import { wholeKinds } from './check-scope.js';
import { ALL_KINDS } from './plan-check.js';
import { Reconciler } from './reconciler.js';
import { batch, HOST, peer } from './testing/host-fixture.js';

describe('the reconciler when it checks the kernel', () => {
  let kernel: FakeKernel;
  let reconciler: Reconciler;

  beforeEach(() => {
    kernel = new FakeKernel();
    reconciler = new Reconciler(kernel);
  });

  const find = (key: string): KernelObject => {
    const object = reconciler.tracker.wanted(key);
    if (object === undefined) throw new OverlayError('not_found', key);
    return object;
  };

  beforeEach(async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
  });

  it.each([
    ['neighbour vtep1024 44.128.0.2', 1],
    ['fdb vtep1024 70:b3:d5:80:00:02', 1],
    ['route 254 9.0.1.0/26', 1],
    ['route 254 unreachable 9.0.0.0/8', 1],
    ['nexthop vtep1024 44.128.0.2', 3],
    ['rule 9.0.0.0/8', 1],
    ['nftables inet overlay', 1],
    ['admission 10.0.0.2', 1],
    ['sysctl net/ipv4/ip_forward', 1],
    ['address m-dcos 9.0.0.1/27', 1],
    ['link m-dcos', 7],
  ])('puts %s back, and writes no more than went with it', async (key, damage) => {
    const before = kernel.dump();
    kernel.meddle('remove', find(key));
    const { found, repaired, written } = await reconciler.check(wholeKinds(ALL_KINDS));
    expect({ found: found.length, repaired: repaired.length, written }).toEqual({
      found: damage,
      repaired: damage,
      written: damage,
    });
    expect(kernel.dump()).toBe(before);
    expect(await reconciler.check(wholeKinds(ALL_KINDS))).toEqual({ found: [], repaired: [], written: 0 });
  });

  it('puts the admission table back with its elements, in one write', async () => {
    const before = kernel.dump();
    const done = kernel.log.length;
    kernel.meddle('remove', find('nftables inet overlay_admission'));
    expect(await reconciler.check(wholeKinds(new Set(['nftables'])))).toMatchObject({ written: 3 });
    expect(kernel.dump()).toBe(before);
    expect(kernel.log.slice(done).map((line) => line.slice(0, 13))).toEqual([
      'add nft table',
      'add nft eleme',
      'add nft eleme',
    ]);
  });

  it('looks only at the kinds it is told, and believes the rest', async () => {
    kernel.meddle('remove', find('rule 9.0.0.0/8'));
    kernel.meddle('remove', find('neighbour vtep1024 44.128.0.2'));
    expect(await reconciler.check(wholeKinds(new Set(['rule'])))).toMatchObject({ written: 1 });
    expect([...kernel.kindsRead]).toEqual(['rule']);
    expect(await reconciler.check(wholeKinds(new Set(['neighbour'])))).toMatchObject({ written: 1 });
  });

  it('removes what bears our marks and is not wanted', async () => {
    const before = kernel.dump();
    const stray = find('nexthop vtep1024 44.128.0.2');
    if (stray.kind !== 'nexthop') throw new OverlayError('internal', 'no nexthop');
    kernel.meddle('add', { ...stray, gateway: parseIpAddress('44.128.0.77'), id: 5 });
    const { found, written } = await reconciler.check(wholeKinds(ALL_KINDS));
    expect({ found: found.length, written }).toEqual({ found: 1, written: 1 });
    expect(kernel.dump()).toBe(before);
  });

  it('gives the devices their MAC back', async () => {
    const before = kernel.dump();
    const mac = parseMacAddress('02:99:99:99:99:99');
    for (const key of ['link vtep1024', 'link m-dcos']) {
      const link = find(key);
      if (link.kind !== 'link' || link.type === 'foreign') throw new OverlayError('internal', 'no link');
      kernel.meddle('add', { ...link, mac });
    }
    await reconciler.check(wholeKinds(ALL_KINDS));
    expect(kernel.dump()).toBe(before);
  });

  it('says what it found when it could not repair it', async () => {
    kernel.meddle('remove', find('rule 9.0.0.0/8'));
    kernel.refuse(() => 'busy');
    const { found, repaired } = await reconciler.check(wholeKinds(ALL_KINDS));
    expect([found.length, repaired.length]).toEqual([1, 0]);
    expect(reconciler.failures.size).toBe(1);
  });

  it('believes what is told of an entry, and looks again when the kernel knows better', async () => {
    const route = find('route 254 9.0.1.0/26');
    if (route.kind !== 'route') throw new OverlayError('internal', 'no route');
    const told = {
      ...wholeKinds(new Set()),
      entries: new Map([[keyOf(route), { object: route, gone: true }]]),
    };
    const { reads } = kernel;
    expect(await reconciler.check(told)).toEqual({ found: [], repaired: [], written: 0 });
    expect(reconciler.failures.size).toBe(0);
    expect(kernel.reads).toBe(reads + 1);
    kernel.meddle('remove', route);
    expect(await reconciler.check(told)).toMatchObject({ found: [route], repaired: [route], written: 1 });
    expect(kernel.reads).toBe(reads + 1);
  });

  it('is told late of a second nexthop that is gone already, and reports no failure', async () => {
    const nexthop = find('nexthop vtep1024 44.128.0.2');
    if (nexthop.kind !== 'nexthop') throw new OverlayError('internal', 'no nexthop');
    const second = { ...nexthop, id: 1_400_000_000 };
    const told = {
      ...wholeKinds(new Set()),
      entries: new Map([[keyOf(second), { object: second, gone: false }]]),
    };
    kernel.refuse((object) =>
      object.kind === 'nexthop' && object.id === second.id ? 'RTNETLINK answers: No such file' : undefined,
    );
    const before = kernel.dump();
    let done = false;
    const checked = reconciler.check(told).finally(() => {
      done = true;
    });
    while (!done) {
      expect([...reconciler.failures]).toEqual([]);
      await Promise.resolve();
    }
    expect(await checked).toEqual({ found: [], repaired: [], written: 0 });
    expect([...reconciler.failures]).toEqual([]);
    expect(kernel.dump()).toBe(before);
  });

  it('puts the routes back that went with a nexthop, and no others, without reading', async () => {
    const before = kernel.dump();
    const { reads } = kernel;
    const nexthop = find('nexthop vtep1024 44.128.0.2');
    if (nexthop.kind !== 'nexthop') throw new OverlayError('internal', 'no nexthop');
    kernel.meddle('remove', nexthop);
    const entries = new Map([[keyOf(nexthop), { object: nexthop, gone: true }]]);
    expect(await reconciler.check({ ...wholeKinds(new Set()), entries })).toMatchObject({ written: 3 });
    expect(kernel.dump()).toBe(before);
    expect(kernel.reads).toBe(reads);
  });

  it('repairs the loss of everything, however much that is', async () => {
    const emptied: KernelTables = {
      read: () =>
        Promise.resolve({
          objects: [],
          foreignNexthopIds: new Set(),
          nexthopObjects: true,
          ipv6: true,
          dockerChains: [],
          underlay: { device: 'eth0', mtuBytes: 9000 },
        }),
      apply: () => Promise.resolve([]),
    };
    const keeper = new Reconciler(emptied);
    const vtep = { ...HOST.vtep, address: parseInterfaceAddress('44.128.0.1/13') };
    const vtepSubnets = [parseCidr('44.128.0.0/13')];
    await keeper.applyHost({ ...HOST, vtep, vtepSubnets, enableIpv6: false });
    const hex = (value: number) => value.toString(16).padStart(2, '0');
    const peers = Array.from({ length: 30_000 }, (_, n): PeerDescription => {
      const [high, low] = [n >> 8, n & 0xff];
      return {
        nodeId: parseNodeId(`node-x${n}`),
        ip: parseIpAddress(`10.1.${high}.${low}`),
        vtepIp: parseIpAddress(`44.129.${high}.${low}`),
        vtepMac: parseMacAddress(`70:b3:d5:81:${hex(high)}:${hex(low)}`),
        prefixes: [],
      };
    });
    const written = await keeper.applyPeers(batch(...peers), true);
    const { found, repaired } = await keeper.check(wholeKinds(ALL_KINDS));
    expect(found.length).toBeGreaterThanOrEqual(written);
    expect(repaired.length).toBe(found.length);
  }, 60_000);
});
