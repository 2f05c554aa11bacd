import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { wholeKinds } from './check-scope.js';
import { networkStandings } from './network-standing.js';
import { ALL_KINDS } from './plan-check.js';
import { Reconciler } from './reconciler.js';
import { batch, DCOS, HOST, isolated, peer } from './testing/host-fixture.js';

describe('the reconciler and the networks of a host', () => {
  let kernel: FakeKernel;
  let reconciler: Reconciler;

  beforeEach(() => {
    kernel = new FakeKernel();
    reconciler = new Reconciler(kernel);
  });

  it('leaves a foreign device alone, fails that network, and does the rest', async () => {
    kernel.meddle('add', { kind: 'link', type: 'foreign', name: 'm-dcos' });
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toContain('link m-dcos foreign');
    expect(kernel.log.join('\n')).not.toContain('m-dcos');
    expect(networkStandings(reconciler)[0]?.error).toMatch(/m-dcos is there that belongs to somebody else/);
    expect(kernel.dump()).toContain('link vtep1024');
    kernel.meddle('remove', { kind: 'link', type: 'foreign', name: 'm-dcos' });
    await reconciler.resync();
    expect(networkStandings(reconciler)[0]?.error).toBe('');
  });

  it('leaves a foreign device alone that has the name of the VTEP, with what is on it, and fails every network', async () => {
    const theirs = { kind: 'link', type: 'foreign', name: 'vtep1024' } as const;
    const [address, neighbour] = [parseIpAddress('192.0.2.9'), parseMacAddress('66:00:00:00:00:09')];
    kernel.meddle('add', theirs);
    kernel.meddle('add', { kind: 'neighbour', device: 'vtep1024', address, mac: neighbour });
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), true);
    await reconciler.resync();
    expect(kernel.dump()).toContain('link vtep1024 foreign');
    expect(kernel.dump()).toContain('neigh 192.0.2.9 dev vtep1024');
    const onDevice = kernel.log.filter((line) => !/^\w+ (?:nft|iptables)/.test(line));
    expect(onDevice.join('\n')).not.toMatch(/vtep1024|44\.128\.|nhid|70:b3:d5/);
    expect([...reconciler.failures.values()].map(({ error }) => error)).toEqual([
      expect.stringMatching(/vtep1024 is there that belongs to somebody else/),
    ]);
    expect(networkStandings(reconciler)[0]?.error).toMatch(/vtep1024 is there that belongs to somebody else/);
    expect(kernel.dump()).toContain('link m-dcos');
    kernel.meddle('remove', theirs);
    await reconciler.check(wholeKinds(ALL_KINDS));
    expect(networkStandings(reconciler)[0]?.error).toBe('');
    const clean = new FakeKernel();
    const untroubled = new Reconciler(clean);
    await untroubled.applyHost(HOST);
    await untroubled.applyPeers(batch(peer(1)), true);
    expect(kernel.dump()).toBe(clean.dump());
  });

  it('makes a VXLAN device of that name anew where what cannot be changed differs, one without an address too', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), true);
    const before = kernel.dump();
    const link = reconciler.tracker.have('link vtep1024');
    if (link?.kind !== 'link' || link.type !== 'vxlan') throw new Error('no VTEP');
    for (const other of [
      { ...link, vni: 7 },
      { ...link, local: undefined },
    ]) {
      kernel.meddle('remove', link);
      kernel.meddle('add', other);
      const done = kernel.log.length;
      await reconciler.resync();
      expect(kernel.log.slice(done)[0]).toMatch(/^remove link vtep1024/);
      expect(kernel.dump()).toBe(before);
    }
  });

  it('takes over a bridge that a CNI plugin made first, and none that has another owner', async () => {
    const mac = parseMacAddress('66:00:00:00:00:01');
    const made = { kind: 'link', type: 'bridge', name: 'm-dcos', mac, mtuBytes: 1500, up: true } as const;
    kernel.meddle('add', { ...made, alias: '' });
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toMatch(/link m-dcos mtu 1420 UP .* alias overlay:net-dcos/);
    expect(networkStandings(reconciler)[0]?.error).toBe('');
    kernel.meddle('add', { ...made, alias: 'lxc' });
    const address = parseInterfaceAddress('10.0.3.1/24');
    kernel.meddle('add', { kind: 'address', device: 'm-dcos', address });
    const done = kernel.log.length;
    await reconciler.applyHost(HOST);
    expect(kernel.log.slice(done)).toEqual([]);
    expect(kernel.dump()).toContain('addr 10.0.3.1/24 dev m-dcos');
    expect(kernel.dump()).toContain('link m-dcos mtu 1500 UP 66:00:00:00:00:01 bridge alias lxc');
    expect(networkStandings(reconciler)[0]?.error).toMatch(/belongs to somebody else/);
  });

  it('closes an isolated network, opens it again, and takes away one that is deleted', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), true);
    const open = kernel.dump();
    const done = kernel.log.length;
    await reconciler.applyHost(isolated());
    expect(networkStandings(reconciler)[0]?.error).toBe('');
    expect(kernel.log.slice(done).map((line) => line.split(' ')[1])).toEqual(['nft']);
    expect(kernel.dump()).toContain('chain forward');
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toBe(open);
    await reconciler.applyHost({ ...HOST, clusterNetworks: [{ ...DCOS, standing: 'deleting' }] });
    expect(networkStandings(reconciler)[0]?.error).toMatch(/being deleted/);
    expect(kernel.dump()).not.toMatch(/m-dcos mtu|route 9\.|rule|masquerade/);
  });

  it('fails every network while no interface has the underlay address, and configures it all the same', async () => {
    kernel.setUnderlay(undefined);
    await reconciler.applyHost(HOST);
    expect(networkStandings(reconciler)[0]?.error).toMatch(
      /no interface has the underlay address 10\.0\.0\.1/,
    );
    expect(kernel.dump()).toContain('link m-dcos');
    kernel.setUnderlay({ device: 'eth0', mtuBytes: 1500 });
    await reconciler.check(wholeKinds(new Set(['link'])));
    expect(networkStandings(reconciler)[0]?.error).toBe('');
  });

  it('fails every network while its packets do not fit the underlay', async () => {
    kernel.setUnderlay({ device: 'eth0', mtuBytes: 1469 });
    await reconciler.applyHost(HOST);
    expect(networkStandings(reconciler)[0]?.error).toMatch(
      /set overlay_mtu to at most 1419, or raise the MTU of eth0/,
    );
    expect(kernel.dump()).toContain('link m-dcos');
    kernel.setUnderlay({ device: 'eth0', mtuBytes: 1470 });
    await reconciler.check(wholeKinds(new Set(['link'])));
    expect(networkStandings(reconciler)[0]?.error).toBe('');
  });
});
