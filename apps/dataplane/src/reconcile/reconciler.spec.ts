import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseCidr, parseInterfaceAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { parseNetworkId, parseNetworkName, parseNodeId } from '@overlay/model';
import fc from 'fast-check';
import type { ClusterNetwork, HostDescription } from '../desired/host-description.js';
import type { PeerDescription } from '../desired/peer-description.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import { type KernelObject, keyOf } from '../kernel/kernel-object.js';
import { networkStandings } from './network-standing.js';
import { ALL_KINDS } from './plan-check.js';
import { type PeerBatch, Reconciler } from './reconciler.js';

const DCOS: ClusterNetwork = {
  id: parseNetworkId('net-dcos'),
  name: parseNetworkName('dcos'),
  subnets: [parseCidr('9.0.0.0/8'), parseCidr('fd01:b::/64')],
  standing: 'active',
  isolated: false,
};

const HOST: HostDescription = {
  nodeId: parseNodeId('node-0'),
  ip: parseIpAddress('10.0.0.1'),
  vtep: {
    name: 'vtep1024',
    vni: 1024,
    address: parseInterfaceAddress('44.128.0.1/20'),
    address6: parseInterfaceAddress('fd01:a::1/64'),
    mac: parseMacAddress('70:b3:d5:80:00:01'),
    mtuBytes: 1420,
  },
  vtepSubnets: [parseCidr('44.128.0.0/20'), parseCidr('fd01:a::/64')],
  networks: [
    {
      id: DCOS.id,
      name: DCOS.name,
      prefixes: [parseCidr('9.0.0.0/26'), parseCidr('fd01:b::/80')],
      cniBridge: { name: 'm-dcos', halves: [parseCidr('9.0.0.0/27'), parseCidr('fd01:b::/81')] },
    },
  ],
  clusterNetworks: [DCOS],
  overlayMtuBytes: 1420,
  configureCniBridges: true,
  configureDockerBridges: true,
  enableIpv6: true,
  commandTimeoutMs: 1000,
};

/** Peer number `n`; `block` and `underlay` may be those of another number. */
function peer(n: number, block = n, underlay = n): PeerDescription {
  return {
    nodeId: parseNodeId(`node-${n}`),
    ip: parseIpAddress(`10.0.0.${underlay + 1}`),
    vtepIp: parseIpAddress(`44.128.0.${n + 1}`),
    vtepIp6: parseIpAddress(`fd01:a::${n + 1}`),
    vtepMac: parseMacAddress(`70:b3:d5:80:00:${(n + 1).toString(16).padStart(2, '0')}`),
    prefixes: [
      { networkId: DCOS.id, prefix: parseCidr(`9.0.${block}.0/26`) },
      { networkId: DCOS.id, prefix: parseCidr(`fd01:b:0:0:${block}::/80`) },
    ],
  };
}

function batch(...peers: readonly PeerDescription[]): PeerBatch {
  return new Map(peers.map((each) => [each.nodeId, each]));
}

function gone(...numbers: readonly number[]): PeerBatch {
  return new Map(numbers.map((n) => [parseNodeId(`node-${n}`), undefined]));
}

function isolated(): HostDescription {
  return { ...HOST, clusterNetworks: [{ ...DCOS, isolated: true }] };
}

describe('the reconciler', () => {
  let kernel: FakeKernel;
  let reconciler: Reconciler;

  beforeEach(() => {
    kernel = new FakeKernel();
    reconciler = new Reconciler(kernel);
  });

  it('ends in exactly these objects', async () => {
    await reconciler.applyHost({ ...HOST, configureDockerBridges: false });
    await reconciler.applyPeers(batch(peer(1)), true);
    expect(kernel.dump()).toBe(
      [
        'addr 44.128.0.1/20 dev vtep1024',
        'addr 9.0.0.1/27 dev m-dcos',
        'addr fd01:a::1/64 dev vtep1024',
        'addr fd01:b::1/81 dev m-dcos',
        'fdb 70:b3:d5:80:00:02 dev vtep1024 dst 10.0.0.2 self permanent',
        'link m-dcos mtu 1420 UP 02:80:c8:6a:d3:f9 bridge alias overlay:net-dcos',
        'link vtep1024 mtu 1420 UP 70:b3:d5:80:00:01 vxlan id 1024 local 10.0.0.1 dstport 64000 nolearning',
        'neigh 44.128.0.2 dev vtep1024 lladdr 70:b3:d5:80:00:02 PERMANENT',
        'neigh fd01:a::2 dev vtep1024 lladdr 70:b3:d5:80:00:02 PERMANENT',
        'nexthop id 1333788674 via 44.128.0.2 dev vtep1024 proto 142',
        'nexthop id 1870659586 via fd01:a::2 dev vtep1024 proto 142',
        'nft element 10.0.0.2',
        'nft table inet overlay {' +
          ' set overlay4 { type ipv4_addr flags interval elements = { 9.0.0.0/8 } }' +
          ' set inside4 { type ipv4_addr flags interval elements = { 9.0.0.0/8, 44.128.0.0/20, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, 255.255.255.255 } }' +
          ' set overlay6 { type ipv6_addr flags interval elements = { fd01:b::/64 } }' +
          ' set inside6 { type ipv6_addr flags interval elements = { ::1, fd01:a::/64, fd01:b::/64, fe80::/10, ff00::/8 } }' +
          ' chain postrouting { type nat hook postrouting priority srcnat; policy accept;' +
          ' ip saddr @overlay4 ip daddr != @inside4 masquerade' +
          ' ip6 saddr @overlay6 ip6 daddr != @inside6 masquerade } }',
        'nft table inet overlay_admission { set peers { type ipv4_addr }' +
          ' chain input { type filter hook input priority raw; policy accept;' +
          ' udp dport 64000 ip saddr @peers accept udp dport 64000 counter drop }' +
          ' chain tunnel { type filter hook prerouting priority raw; policy accept;' +
          ' iifname != "vtep1024" accept ip saddr @peers accept' +
          ' fib saddr . iif oif missing counter drop } }',
        'route 10.0.0.2/32 nhid 1333788674 table 42 proto 142',
        'route 9.0.1.0/26 nhid 1333788674 table 254 proto 142',
        'route fd01:b:0:0:1::/80 nhid 1870659586 table 254 proto 142',
        'route unreachable 9.0.0.0/8 table 254 metric 4278198272 proto 142',
        'route unreachable fd01:b::/64 table 254 metric 4278198272 proto 142',
        'rule 30042: from 9.0.0.0/8 lookup 42',
        'rule 30042: from fd01:b::/64 lookup 42',
        'sysctl net.ipv4.conf.vtep1024.rp_filter = 2',
        'sysctl net.ipv4.ip_forward = 1',
        'sysctl net.ipv6.conf.all.forwarding = 1',
        'sysctl net.ipv6.conf.m-dcos.accept_dad = 0',
        'sysctl net.ipv6.conf.m-dcos.disable_ipv6 = 0',
        'sysctl net.ipv6.conf.vtep1024.accept_dad = 0',
        'sysctl net.ipv6.conf.vtep1024.disable_ipv6 = 0',
      ].join('\n'),
    );
  });

  it('writes nothing for what stands already, also after a restart', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    const before = kernel.dump();
    expect(await reconciler.applyHost(HOST)).toBe(0);
    expect(await reconciler.applyPeers(batch(peer(1)), false)).toBe(0);
    const restarted = new Reconciler(kernel);
    expect(await restarted.applyHost(HOST)).toBe(0);
    expect(await restarted.applyPeers(batch(peer(1), peer(2)), true)).toBe(0);
    expect(kernel.dump()).toBe(before);
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

  it('moves the tunnel to another underlay address in place', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1)), true);
    expect(await reconciler.applyHost({ ...HOST, ip: parseIpAddress('10.0.0.99') })).toBe(1);
    expect(kernel.log.at(-1)).toMatch(/^replace link vtep1024 .* local 10\.0\.0\.99/);
  });

  it('makes the VXLAN device anew for another VNI and puts everything back', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    const before = kernel.dump();
    const done = kernel.log.length;
    await reconciler.applyHost({ ...HOST, vtep: { ...HOST.vtep, vni: 7 } });
    expect(kernel.dump()).toBe(before.replace('vxlan id 1024', 'vxlan id 7'));
    const removals = kernel.log.slice(done).filter((line) => line.startsWith('remove'));
    expect(removals.map((line) => line.split(' ')[1])).toEqual([
      ...new Array(6).fill('route'),
      ...new Array(4).fill('nexthop'),
      'link',
    ]);
  });

  it('changes the MAC of the VXLAN device in place, and writes the neighbours that the kernel forgets then', async () => {
    await reconciler.applyHost(HOST);
    await reconciler.applyPeers(batch(peer(1), peer(2)), true);
    const before = kernel.dump();
    const mac = parseMacAddress('70:b3:d5:80:00:77');
    expect(await reconciler.applyHost({ ...HOST, vtep: { ...HOST.vtep, mac } })).toBe(5);
    expect(kernel.dump()).toBe(before.replace('70:b3:d5:80:00:01', mac));
  });

  it('leaves a foreign device alone, fails that network, and does the rest', async () => {
    kernel.meddle('add', { kind: 'link', type: 'foreign', name: 'm-dcos' });
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toContain('link m-dcos foreign');
    expect(networkStandings(reconciler)[0]?.error).toMatch(/m-dcos is there that belongs to somebody else/);
    expect(kernel.dump()).toContain('link vtep1024');
    kernel.meddle('remove', { kind: 'link', type: 'foreign', name: 'm-dcos' });
    await reconciler.resync();
    expect(networkStandings(reconciler)[0]?.error).toBe('');
  });

  it('takes over a bridge that a CNI plugin made first, and none that has another owner', async () => {
    const mac = parseMacAddress('66:00:00:00:00:01');
    const made = { kind: 'link', type: 'bridge', name: 'm-dcos', mac, mtuBytes: 1500, up: true } as const;
    kernel.meddle('add', { ...made, alias: '' });
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toMatch(/link m-dcos mtu 1420 UP .* alias overlay:net-dcos/);
    expect(networkStandings(reconciler)[0]?.error).toBe('');
    kernel.meddle('add', { ...made, alias: 'lxc' });
    await reconciler.applyHost(HOST);
    expect(kernel.dump()).toContain('link m-dcos mtu 1500 UP 66:00:00:00:00:01 bridge alias lxc');
    expect(networkStandings(reconciler)[0]?.error).toMatch(/belongs to somebody else/);
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

  it('fails every network while its packets do not fit the underlay', async () => {
    kernel.setUnderlay({ device: 'eth0', mtuBytes: 1469 });
    await reconciler.applyHost(HOST);
    expect(networkStandings(reconciler)[0]?.error).toMatch(
      /set overlay_mtu to at most 1419, or raise the MTU of eth0/,
    );
    expect(kernel.dump()).toContain('link m-dcos');
    kernel.setUnderlay({ device: 'eth0', mtuBytes: 1470 });
    await reconciler.check(new Set(['link']));
    expect(networkStandings(reconciler)[0]?.error).toBe('');
  });

  it('needs no bridge on a gateway, and nothing IPv6 when that is off', async () => {
    const gateway = { ...HOST, networks: [], enableIpv6: false };
    await reconciler.applyHost(gateway);
    await reconciler.applyPeers(batch(peer(1)), true);
    expect(kernel.dump()).not.toMatch(/m-dcos|fd01|ipv6/);
    expect(kernel.dump()).toContain('route 9.0.1.0/26 nhid 1333788674');
  });

  it('masquerades nothing when both halves are off', async () => {
    await reconciler.applyHost({ ...HOST, configureCniBridges: false, configureDockerBridges: false });
    expect(kernel.dump()).not.toContain('masquerade');
    expect(kernel.dump()).not.toContain('m-dcos');
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

  describe('when it checks the kernel', () => {
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
      ['link m-dcos', 5],
    ])('puts %s back, and writes no more than went with it', async (key, damage) => {
      const before = kernel.dump();
      kernel.meddle('remove', find(key));
      const { found, repaired, written } = await reconciler.check(ALL_KINDS);
      expect({ found: found.length, repaired: repaired.length, written }).toEqual({
        found: damage,
        repaired: damage,
        written: damage,
      });
      expect(kernel.dump()).toBe(before);
      expect(await reconciler.check(ALL_KINDS)).toEqual({ found: [], repaired: [], written: 0 });
    });

    it('puts the admission table back with its elements, in one write', async () => {
      const before = kernel.dump();
      const done = kernel.log.length;
      kernel.meddle('remove', find('nftables inet overlay_admission'));
      expect(await reconciler.check(new Set(['nftables']))).toMatchObject({ written: 3 });
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
      expect(await reconciler.check(new Set(['rule']))).toMatchObject({ written: 1 });
      expect([...kernel.kindsRead]).toEqual(['rule']);
      expect(await reconciler.check(new Set(['neighbour']))).toMatchObject({ written: 1 });
    });

    it('removes what bears our marks and is not wanted', async () => {
      const before = kernel.dump();
      const stray = find('nexthop vtep1024 44.128.0.2');
      if (stray.kind !== 'nexthop') throw new OverlayError('internal', 'no nexthop');
      kernel.meddle('add', { ...stray, gateway: parseIpAddress('44.128.0.77'), id: 5 });
      const { found, written } = await reconciler.check(ALL_KINDS);
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
      await reconciler.check(ALL_KINDS);
      expect(kernel.dump()).toBe(before);
    });

    it('says what it found when it could not repair it', async () => {
      kernel.meddle('remove', find('rule 9.0.0.0/8'));
      kernel.refuse(() => 'busy');
      const { found, repaired } = await reconciler.check(ALL_KINDS);
      expect([found.length, repaired.length]).toEqual([1, 0]);
      expect(reconciler.failures.size).toBe(1);
    });
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
    expect(await reconciler.check(ALL_KINDS)).toEqual({ found: [], repaired: [], written: 0 });
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

  it('ends the same whatever happened before, in whatever order', async () => {
    const number = fc.integer({ min: 1, max: 5 });
    const arrival = fc.tuple(number, number, number).map((numbers) => batch(peer(...numbers)));
    const departure = number.map((n) => gone(n));
    const hosts = [HOST, isolated(), { ...HOST, enableIpv6: false }, { ...HOST, configureCniBridges: false }];
    const step = fc.oneof(
      { weight: 6, arbitrary: arrival },
      { weight: 2, arbitrary: departure },
      { weight: 1, arbitrary: fc.constantFrom(...hosts) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.constantFrom(...hosts), async (steps, last) => {
        const state = new Map<PeerDescription['nodeId'], PeerDescription | undefined>();
        const worn = new FakeKernel();
        const veteran = new Reconciler(worn);
        await veteran.applyPeers(new Map(), true);
        for (const each of steps) {
          if (!(each instanceof Map)) await veteran.applyHost(each as HostDescription);
          else {
            for (const [nodeId, value] of each as PeerBatch) state.set(nodeId, value);
            await veteran.applyPeers(each as PeerBatch, false);
          }
        }
        await veteran.applyHost(last);
        for (const order of [[...state], [...state].reverse()]) {
          const fresh = new FakeKernel();
          const novice = new Reconciler(fresh);
          await novice.applyHost(last);
          await novice.applyPeers(new Map(), true);
          for (const [nodeId, value] of order) await novice.applyPeers(new Map([[nodeId, value]]), true);
          expect(withoutSysctls(worn.dump())).toBe(withoutSysctls(fresh.dump()));
          expect(veteran.failures.size).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Sysctls stay when what wanted them goes. */
function withoutSysctls(dump: string): string {
  return dump.replaceAll(/^sysctl .*\n?/gm, '').trimEnd();
}
