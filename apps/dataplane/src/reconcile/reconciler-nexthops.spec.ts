import { describe, expect, it } from '@jest/globals';
import { parseIpAddress } from '@overlay/allocation';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import type { KernelTables } from '../kernel/kernel-tables.js';
import { mapStatus } from '../rpc/map-status.js';
import { wholeKinds } from './check-scope.js';
import { networkStandings } from './network-standing.js';
import { ALL_KINDS } from './plan-check.js';
import { Reconciler } from './reconciler.js';
import { batch, gone, HOST, peer } from './testing/host-fixture.js';

describe('the reconciler without nexthop objects', () => {
  it('lets routes name their gateways on a kernel that has none, and says so', async () => {
    const kernel = new FakeKernel();
    kernel.withoutNexthops();
    const reconciler = new Reconciler(kernel);
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    expect(reconciler.failures.size).toBe(0);
    expect(kernel.dump()).not.toContain('nexthop');
    expect(kernel.dump()).toContain('route 9.0.1.0/26 via 44.128.0.2 dev vtep1024 table 254 proto 142');
    expect(kernel.dump()).toContain('route fd01:b:0:0:1::/80 via fd01:a::2 dev vtep1024 table 254 proto 142');
    expect(kernel.dump()).toContain('route 10.0.0.2/32 via 44.128.0.2 dev vtep1024 table 42 proto 142');
    expect(reconciler.warnings).toEqual([expect.stringContaining('this kernel has no nexthop objects')]);
    expect(networkStandings(reconciler)[0]?.error).toBe('');
    expect(await reconciler.check(wholeKinds(ALL_KINDS))).toEqual({ found: [], repaired: [], written: 0 });
    await reconciler.applyPeers(gone(1), false);
    expect(kernel.dump()).not.toContain('44.128.0.2 ');
  });

  it('goes over to gateways and back in place when the configuration says so', async () => {
    const kernel = new FakeKernel();
    const peers = batch(peer(1), peer(2));
    const run = async (nexthopObjects: 'auto' | 'off') => {
      const reconciler = new Reconciler(kernel, { nexthopObjects });
      await reconciler.applyHost(HOST);
      await reconciler.applyPeers(peers, true);
      expect(reconciler.failures.size).toBe(0);
      return reconciler.warnings;
    };
    expect(await run('auto')).toEqual([]);
    const before = kernel.dump();
    expect(await run('off')).toEqual([expect.stringContaining('set it to auto')]);
    expect(kernel.dump()).not.toContain('nexthop');
    expect(await run('auto')).toEqual([]);
    expect(kernel.dump()).toBe(before);
    expect(kernel.log.filter((line) => line.startsWith('remove route'))).toEqual([]);
  });
});

describe('the reconciler beside nexthops of other programs', () => {
  it('routes nothing through one that took the id of a peer since everything was read', async () => {
    const kernel = new FakeKernel();
    const reconciler = new Reconciler(kernel);
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), true);
    const wanted = /nexthop id (\d+) via 44\.128\.0\.3 /;
    const twin = new FakeKernel();
    const other = new Reconciler(twin);
    await other.applyHost(HOST);
    await other.applyPeers(batch(peer(1), peer(2)), true);
    const id = Number(wanted.exec(twin.dump())?.[1]);
    kernel.holdNexthopId(id);
    await reconciler.applyPeers(batch(peer(2)), false);
    expect(kernel.dump()).not.toContain(`nhid ${id}`);
    expect([...reconciler.failures.values()].map(({ object }) => object)).toEqual([
      expect.objectContaining({ kind: 'nexthop', id }),
    ]);
    await reconciler.resync();
    expect(reconciler.failures.size).toBe(0);
    expect(kernel.dump()).not.toContain(`nhid ${id}`);
    expect(kernel.dump()).toContain(`route 9.0.2.0/26 nhid ${wanted.exec(kernel.dump())?.[1]} `);
  });
});

describe('the reconciler beside a second nexthop under our marks', () => {
  it('lists one that cannot be removed, with the kernel’s words, and tries again', async () => {
    const kernel = new FakeKernel();
    const second: KernelObject = {
      kind: 'nexthop',
      device: 'vtep1024',
      gateway: parseIpAddress('44.128.0.2'),
      id: 77,
    };
    let [present, busy] = [true, true];
    const tables: KernelTables = {
      read: async (scope) => {
        const snapshot = await kernel.read(scope);
        return present ? { ...snapshot, objects: [...snapshot.objects, second] } : snapshot;
      },
      apply: async (changes) => {
        const change = changes.find(({ object }) => object.kind === 'nexthop' && object.id === second.id);
        const failures = await kernel.apply(changes.filter((each) => each !== change));
        if (change !== undefined && !busy) present = false;
        return change !== undefined && busy ? [...failures, { change, error: 'busy' }] : failures;
      },
    };
    const settled = new Reconciler(kernel);
    await settled.applyHost(HOST);
    await settled.applyPeers(batch(peer(1), peer(2)), true);

    const reconciler = new Reconciler(tables);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    await reconciler.applyHost(HOST);
    const listed = {
      kind: 'nexthop',
      object: 'nexthop add id 77 via 44.128.0.2 dev vtep1024 protocol 142',
      error: 'busy',
      networkId: '',
    };
    expect(mapStatus(reconciler, 1n).failures).toEqual([listed]);
    await reconciler.applyPeers(batch(peer(3)), false);
    await reconciler.check(wholeKinds(ALL_KINDS));
    expect(mapStatus(reconciler, 1n).failures).toEqual([listed]);
    expect(networkStandings(reconciler)[0]?.error).toBe('');

    busy = false;
    expect(await reconciler.resync()).toBe(1);
    expect([reconciler.failures.size, present]).toEqual([0, false]);
  });
});
