import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { networkStandings } from './network-standing.js';
import { Reconciler } from './reconciler.js';
import { batch, HOST, peer } from './testing/host-fixture.js';

describe('the reconciler on a kernel without IPv6', () => {
  let kernel: FakeKernel;
  let reconciler: Reconciler;

  beforeEach(() => {
    kernel = new FakeKernel();
    kernel.withoutIpv6();
    reconciler = new Reconciler(kernel);
  });

  it('configures a host that wants none', async () => {
    await reconciler.applyHost({ ...HOST, enableIpv6: false });
    await reconciler.applyPeers(batch(peer(1)), true);
    expect([...reconciler.failures.values()]).toEqual([]);
    expect(networkStandings(reconciler)).toMatchObject([{ error: '' }]);
    expect(reconciler.warnings).toEqual([]);
    expect(kernel.dump()).toContain('route 9.0.1.0/26 nhid');
    expect(await reconciler.purge(false)).toMatchObject({ leftovers: [] });
  });

  it('configures IPv4 where both are wanted, fails the networks and names the way out', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), true);
    expect(kernel.dump()).toContain('route 9.0.1.0/26 nhid');
    expect(networkStandings(reconciler)[0]?.error).not.toBe('');
    expect(reconciler.warnings).toEqual([
      expect.stringMatching(/has no IPv6.*ipv6\.disable=1.*network_config\.enable_ipv6 to false/),
    ]);
  });
});

describe('a device without a link-local address', () => {
  const mute = async (change: Partial<typeof HOST>) => {
    const kernel = new FakeKernel();
    const reconciler = new Reconciler(kernel);
    const host = { ...HOST, ...change };
    await reconciler.applyHost(host);
    for (const link of reconciler.tracker.wantedOf('link'))
      if (link.kind === 'link' && link.type === 'bridge') kernel.meddle('add', { ...link, mute: true });
    return { kernel, reconciler, written: await reconciler.applyHost(host) };
  };

  it('gets one', async () => {
    const { kernel, reconciler, written } = await mute({});
    expect(written).toBe(1);
    expect(kernel.log.at(-1)).toMatch(/^replace link m-dcos/);
    expect(await reconciler.applyHost(HOST)).toBe(0);
  });

  it('needs none where IPv6 is off', async () => {
    expect(await mute({ enableIpv6: false })).toMatchObject({ written: 0 });
  });
});
