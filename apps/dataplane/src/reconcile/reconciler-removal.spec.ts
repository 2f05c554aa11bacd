import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseNetworkId } from '@overlay/model';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { keyOf } from '../kernel/kernel-object.js';
import { wholeKinds } from './check-scope.js';
import { ALL_KINDS } from './plan-check.js';
import { Reconciler } from './reconciler.js';
import { batch, DCOS, gone, HOST, peer, withoutSysctls } from './testing/host-fixture.js';

describe('the reconciler when it removes', () => {
  let kernel: FakeKernel;
  let reconciler: Reconciler;

  beforeEach(() => {
    kernel = new FakeKernel();
    reconciler = new Reconciler(kernel);
  });

  it('removes every object of a network, again without effect, and takes it back with the next description', async () => {
    await expect(reconciler.removeNetwork(DCOS.id)).rejects.toMatchObject({ code: 'failed_precondition' });
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), true);
    const before = kernel.dump();
    // Bridge, two addresses, two routes to the peer, two unreachable ones, two rules.
    expect(await reconciler.removeNetwork(DCOS.id)).toBe(9);
    expect(kernel.dump()).not.toMatch(/m-dcos|9\.0\.|fd01:b|rule|masquerade/);
    expect(kernel.dump()).toContain('44.128.0.2');
    expect(await reconciler.removeNetwork(DCOS.id)).toBe(0);
    expect(await reconciler.removeNetwork(parseNetworkId('net-unknown'))).toBe(0);
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toBe(before);
  });

  it('reads nothing again where the description before removed the network', async () => {
    await reconciler.applyHost(HOST);
    const clusterNetworks = HOST.clusterNetworks.map((network) =>
      network.id === DCOS.id ? { ...network, standing: 'deleting' as const } : network,
    );
    await reconciler.applyHost({ ...HOST, clusterNetworks });
    const { reads } = kernel;
    expect(await reconciler.removeNetwork(DCOS.id)).toBe(0);
    expect(kernel.reads).toBe(reads);
  });

  it('keeps an isolated network closed while it is being deleted, and opens it with its removal', async () => {
    const described = (standing: 'active' | 'deleting') => ({
      ...HOST,
      clusterNetworks: HOST.clusterNetworks.map((network) =>
        network.id === DCOS.id ? { ...network, standing, isolated: true } : network,
      ),
    });
    await reconciler.applyHost(described('active'));
    const rule = 'iifname { "m-dcos", "d-dcos" } counter drop';
    expect(kernel.dump()).toContain(rule);
    await reconciler.applyHost(described('deleting'));
    expect(kernel.dump()).toContain(rule);
    await reconciler.removeNetwork(DCOS.id);
    expect(kernel.dump()).not.toMatch(/m-dcos|d-dcos|9\.0\./);
  });

  it('is not rid of a network while the table that all networks share cannot be written', async () => {
    await reconciler.applyHost(HOST);
    kernel.refuse((object) => (keyOf(object) === 'nftables inet overlay' ? 'locked' : undefined));
    await expect(reconciler.removeNetwork(DCOS.id)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'nftables inet overlay cannot be removed: locked',
    });
    kernel.refuse(undefined);
    expect(await reconciler.removeNetwork(DCOS.id)).toBe(0);
    expect(kernel.dump()).not.toContain('9.0.');
  });

  it('says what of a removed network is still there', async () => {
    await reconciler.applyHost(HOST);
    kernel.refuse((object) => (keyOf(object) === 'link m-dcos' ? 'busy' : undefined));
    await expect(reconciler.removeNetwork(DCOS.id)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'link m-dcos cannot be removed: busy',
    });
  });

  it('purges everything of an earlier run too, wants nothing then, and starts afresh', async () => {
    kernel.meddle('add', { kind: 'link', type: 'foreign', name: 'eth0' });
    const bare = withoutSysctls(kernel.dump());
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    const full = kernel.dump();
    const restarted = new Reconciler(kernel);
    const { leftovers } = await restarted.purge(true);
    expect(kernel.dump()).toBe(full);
    const { removed, leftovers: left } = await restarted.purge(false);
    expect({ removed, left }).toEqual({ removed: leftovers.length, left: [] });
    expect(withoutSysctls(kernel.dump())).toBe(bare);
    expect(await restarted.purge(false)).toEqual({ removed: 0, leftovers: [] });
    await reconciler.purge(false);
    expect(await reconciler.check(wholeKinds(ALL_KINDS))).toEqual({ found: [], repaired: [], written: 0 });
    await reconciler.applyPeers(batch(peer(3)), false);
    expect(withoutSysctls(kernel.dump())).toBe(bare);
    await reconciler.applyPeers(gone(3), false);
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toBe(full);
  });

  it('lists what a purge could not remove', async () => {
    await reconciler.applyHost(HOST);
    kernel.refuse((object) => (object.kind === 'rule' ? 'busy' : undefined));
    const { leftovers } = await reconciler.purge(false);
    expect(leftovers.map(({ kind }) => kind)).toEqual(['rule', 'rule']);
  });
});
