import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { parseNetworkId, parseNetworkName } from '@overlay/model';
import type { ClusterNetwork } from '../desired/host-description.js';
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

  describe('before any peer is known, in a kernel with routes from before', () => {
    const OTHER: ClusterNetwork = {
      ...DCOS,
      id: parseNetworkId('net-other'),
      name: parseNetworkName('other'),
      subnets: [parseCidr('7.0.0.0/8')],
    };
    const DELETING: ClusterNetwork = { ...DCOS, standing: 'deleting' };
    const routes = () =>
      kernel
        .dump()
        .split('\n')
        .filter((line) => line.startsWith('route '));
    const withoutDcos = (lines: readonly string[]) => lines.filter((line) => !/ (?:9\.|fd01:b)/.test(line));
    let before: readonly string[];
    let restarted: Reconciler;

    beforeEach(async () => {
      const prefix = { networkId: OTHER.id, prefix: parseCidr('7.0.1.0/26') };
      await reconciler.applyHost({ ...HOST, clusterNetworks: [DCOS, OTHER] });
      await reconciler.applyPeers(batch({ ...peer(1), prefixes: [...peer(1).prefixes, prefix] }), true);
      before = routes();
      expect(before.filter((line) => line.includes('nhid') && / (?:7|9|fd01:b)/.test(line))).toHaveLength(3);
      restarted = new Reconciler(kernel);
    });

    it('removes those of a network that is described as being deleted, and of no other', async () => {
      await restarted.applyHost({ ...HOST, clusterNetworks: [DELETING, OTHER] });
      expect(routes()).toEqual(withoutDcos(before));
      expect(await restarted.removeNetwork(DCOS.id)).toBe(0);
    });

    it('removes those of a network on demand, and says so while one of them stands', async () => {
      await restarted.applyHost({ ...HOST, clusterNetworks: [DCOS, OTHER] });
      expect(routes()).toEqual(before);
      kernel.refuse((object) => (keyOf(object) === 'route 254 9.0.1.0/26' ? 'busy' : undefined));
      await expect(restarted.removeNetwork(DCOS.id)).rejects.toMatchObject({ code: 'unavailable' });
      kernel.refuse(undefined);
      await restarted.removeNetwork(DCOS.id);
      expect(routes()).toEqual(withoutDcos(before));
    });

    it('keeps those that may be its successor’s, and is rid of it all the same', async () => {
      const successor: ClusterNetwork = { ...DCOS, id: parseNetworkId('net-dcos-2') };
      const networks = HOST.networks.map((network) => ({ ...network, id: successor.id }));
      const clusterNetworks = [DELETING, OTHER, successor];
      await restarted.applyHost({ ...HOST, networks, clusterNetworks });
      expect(await restarted.removeNetwork(DCOS.id)).toBe(0);
      expect(routes()).toEqual(before);
    });
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
