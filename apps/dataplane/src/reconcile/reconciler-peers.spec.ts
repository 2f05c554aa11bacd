import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseIpAddress } from '@overlay/allocation';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { keyOf } from '../kernel/kernel-object.js';
import { networkStandings } from './network-standing.js';
import { Reconciler } from './reconciler.js';
import { batch, DCOS, gone, HOST, peer } from './testing/host-fixture.js';

describe('the reconciler and the peers', () => {
  let kernel: FakeKernel;
  let reconciler: Reconciler;

  beforeEach(() => {
    kernel = new FakeKernel();
    reconciler = new Reconciler(kernel);
  });

  it('keeps unknown peers of an earlier run until a snapshot is complete', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    const restarted = new Reconciler(kernel);
    await restarted.applyHost(HOST);
    await restarted.applyPeers(batch(peer(1)), false);
    expect(kernel.dump()).toContain('44.128.0.3');
    await restarted.applyPeers(new Map(), true);
    expect(kernel.dump()).not.toMatch(/44\.128\.0\.3|fd01:a::3|10\.0\.0\.3|9\.0\.2\.0/);
    expect(kernel.dump()).toContain('44.128.0.2');
  });

  it('closes the tunnel to strangers only when it knows the peers', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), false);
    expect(kernel.dump()).not.toMatch(/overlay_admission|nft element/);
    await reconciler.applyPeers(batch(peer(2)), true);
    expect(kernel.dump()).toMatch(/nft element 10\.0\.0\.2\nnft element 10\.0\.0\.3\n.*overlay_admission/s);
    const restarted = new Reconciler(kernel);
    const before = kernel.dump();
    await restarted.applyHost({ ...HOST, ip: parseIpAddress('fd00::1') });
    expect(kernel.dump()).toMatch(/overlay_admission \{ set peers \{ type ipv4_addr/);
    await restarted.applyHost(HOST);
    await restarted.applyPeers(batch(peer(1), peer(2)), true);
    expect(kernel.dump()).toBe(before);
  });

  it('remembers peers that come before the host', async () => {
    expect(await reconciler.applyPeers(batch(peer(1)), true)).toBe(0);
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toContain('route 9.0.1.0/26 nhid 1333788674');
  });

  it('writes what changed and reads nothing when a peer comes, moves or goes', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    const { reads } = kernel;
    const done = kernel.log.length;
    await reconciler.applyPeers(batch(peer(1, 1, 50)), false);
    expect(kernel.log.slice(done)).toEqual([
      'remove route 10.0.0.2/32 nhid 1333788674 table 42 proto 142',
      'replace fdb 70:b3:d5:80:00:02 dev vtep1024 dst 10.0.0.51 self permanent',
      'add route 10.0.0.51/32 nhid 1333788674 table 42 proto 142',
      'add nft element 10.0.0.51',
      'remove nft element 10.0.0.2',
    ]);
    await reconciler.applyPeers(gone(1), false);
    expect(kernel.dump()).not.toMatch(/44\.128\.0\.2|fd01:a::2|10\.0\.0\.51|9\.0\.1\.0|80:00:02/);
    expect(kernel.reads).toBe(reads);
  });

  it('skips a nexthop id that another program holds, and keeps the one it got', async () => {
    kernel.holdNexthopId(0x4f800002);
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), true);
    expect(kernel.dump()).toContain(`nexthop id ${0x4f800003} via 44.128.0.2`);
    expect(kernel.dump()).toContain(`route 9.0.1.0/26 nhid ${0x4f800003}`);
    const restarted = new Reconciler(kernel);
    expect(await restarted.applyHost(HOST)).toBe(0);
    expect(await restarted.applyPeers(batch(peer(1)), true)).toBe(0);
  });

  it('writes the siblings of an entry that fails, and the entry itself at the next try', async () => {
    await reconciler.applyHost(HOST);
    kernel.refuse((object) => (keyOf(object) === 'neighbour vtep1024 44.128.0.2' ? 'no buffer' : undefined));
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    expect([...reconciler.failures.values()].map(({ error }) => error)).toEqual(['no buffer']);
    expect(networkStandings(reconciler)[0]?.error).toBe('');
    expect(reconciler.tracker.counts('neighbour')).toEqual({ desired: 4, present: 3 });
    kernel.refuse(undefined);
    expect(await reconciler.resync()).toBe(1);
    expect(reconciler.failures.size).toBe(0);
  });

  it('refuses peers that claim what is ours, and keeps the others', async () => {
    await reconciler.applyHost(HOST);
    const thief = { ...peer(3), vtepMac: HOST.vtep.mac };
    const trespasser = peer(4, 0);
    const stray = { ...peer(5), prefixes: [{ networkId: DCOS.id, prefix: parseCidr('8.8.8.0/24') }] };
    await reconciler.applyPeers(batch(thief, trespasser, stray, peer(6)), true);
    expect([...reconciler.refusedPeers().keys()].sort()).toEqual(['node-3', 'node-4', 'node-5']);
    expect(kernel.dump()).not.toMatch(/44\.128\.0\.[456]|8\.8\.8/);
    expect(kernel.dump()).toContain('44.128.0.7');
  });

  it('lets two hosts swap their underlay addresses', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    await reconciler.applyPeers(batch(peer(1, 1, 2)), false);
    await reconciler.applyPeers(batch(peer(2, 2, 1)), false);
    expect(reconciler.refusedPeers().size).toBe(0);
    expect(kernel.dump()).toContain('fdb 70:b3:d5:80:00:02 dev vtep1024 dst 10.0.0.3');
    expect(kernel.dump()).toContain('fdb 70:b3:d5:80:00:03 dev vtep1024 dst 10.0.0.2');
  });

  it('looks once at what waits for the rest of the topology, and removes what it does not name', async () => {
    const kernel = new FakeKernel();
    const before = new Reconciler(kernel);
    await before.applyHost(HOST);
    await before.applyPeers(batch(peer(1), peer(2), peer(3)), true);
    const after = new Reconciler(kernel);
    await after.applyHost(HOST);
    expect([...after.tracker.differences()]).toEqual([]);
    expect(await after.applyPeers(batch(peer(1)), false)).toBe(0);
    expect([...after.tracker.differences()]).toEqual([]);
    expect(kernel.dump()).toContain('44.128.0.4');
    await after.applyPeers(batch(peer(2)), true);
    expect(kernel.dump()).not.toContain('44.128.0.4');
    expect(after.failures.size).toBe(0);
  });
});
