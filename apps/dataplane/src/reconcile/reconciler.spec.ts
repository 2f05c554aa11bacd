import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseIpAddress, parseMacAddress } from '@overlay/allocation';
import fc from 'fast-check';
import type { HostDescription } from '../desired/host-description.js';
import type { PeerDescription } from '../desired/peer-description.js';
import { FakeKernel } from '../kernel/fake/fake-kernel.js';
import type { PeerBatch } from './peer-wants.js';
import { Reconciler } from './reconciler.js';
import { batch, DCOS, gone, HOST, isolated, peer, withoutSysctls } from './testing/host-fixture.js';

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
        'sysctl net.ipv4.conf.m-dcos.forwarding = 1',
        'sysctl net.ipv4.conf.vtep1024.forwarding = 1',
        'sysctl net.ipv4.conf.vtep1024.rp_filter = 2',
        'sysctl net.ipv4.ip_forward = 1',
        'sysctl net.ipv6.conf.all.forwarding = 1',
        'sysctl net.ipv6.conf.m-dcos.accept_dad = 0',
        'sysctl net.ipv6.conf.m-dcos.disable_ipv6 = 0',
        'sysctl net.ipv6.conf.m-dcos.forwarding = 1',
        'sysctl net.ipv6.conf.vtep1024.accept_dad = 0',
        'sysctl net.ipv6.conf.vtep1024.disable_ipv6 = 0',
        'sysctl net.ipv6.conf.vtep1024.forwarding = 1',
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

  it('ends the same whatever happened before, in whatever order', async () => {
    const number = fc.integer({ min: 1, max: 5 });
    const arrival = fc.tuple(number, number, number).map((numbers) => batch(peer(...numbers)));
    const departure = number.map((n) => gone(n));
    const hosts: readonly HostDescription[] = [
      HOST,
      isolated(),
      { ...HOST, enableIpv6: false },
      { ...HOST, configureCniBridges: false },
      { ...HOST, networks: [], clusterNetworks: [] },
      { ...HOST, clusterNetworks: [{ ...DCOS, standing: 'deleting' }] },
      { ...HOST, ip: parseIpAddress('10.0.0.99'), overlayMtuBytes: 1400 },
      { ...HOST, vtep: { ...HOST.vtep, vni: 7, mtuBytes: 1300, mac: parseMacAddress('70:b3:d5:80:00:77') } },
    ];
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
