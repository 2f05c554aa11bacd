import { describe, expect, it } from '@jest/globals';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
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
