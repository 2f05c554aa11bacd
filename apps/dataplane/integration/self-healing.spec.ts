import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Host, Testbed } from '@overlay/testbed';
import { hostRequest, snapshot, threePeers } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';
import { stateOf } from './state-of-host.js';

jest.setTimeout(60_000);

const METRICS = ['curl', '--silent', '--fail', 'http://127.0.0.1:5063/metrics'];

/** Sums of our counters on the host. */
async function counters(host: Host) {
  const text = await host.execOrFail(METRICS);
  const sum = (pattern: RegExp) =>
    text
      .split('\n')
      .filter((line) => pattern.test(line))
      .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  return {
    written: sum(/^overlay_dataplane_objects_written_total\{/),
    found: sum(/^overlay_dataplane_drift_found_total\{/),
    repaired: sum(/^overlay_dataplane_drift_repaired_total\{/),
  };
}

/** Name of the program that a process runs; empty if it is gone. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** What other programs have beside ours: entries of the same kinds, some on our devices and in our tables. */
const FOREIGN = [
  'link add other type bridge',
  'link set other up',
  'addr add 192.0.2.1/24 dev other',
  'nexthop add id 7 dev other',
  'route add 198.18.0.0/16 nhid 7',
  'route add 9.0.77.0/24 dev other metric 500',
  'route add 203.0.113.7 table 42 dev other',
  'rule add from 192.0.2.0/24 lookup 42 priority 30041',
  'rule add from 192.0.2.0/24 lookup 42 priority 30042',
  'rule add from 9.0.0.0/8 iif other lookup 42 priority 30042',
  'rule add from 9.0.0.0/8 lookup 42 priority 30042',
  'neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev other nud permanent',
];

describe('a host that somebody damages', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  let healthy: string;

  /** Does the damage and waits until the kernel is as before. Returns what was written, and how long it took. */
  const heal = async (...argvs: readonly (readonly string[])[]) => {
    const before = await counters(host);
    for (const argv of argvs) await host.execOrFail(argv);
    const startedMs = performance.now();
    while ((await stateOf(host)) !== healthy) {
      if (performance.now() - startedMs > 8_000) break;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    const tookMs = Math.round(performance.now() - startedMs);
    expect(await stateOf(host)).toBe(healthy);
    // The echo of the repair, should there be one.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const after = await counters(host);
    expect(after.repaired - before.repaired).toBe(after.found - before.found);
    process.stdout.write(`repaired after ${tookMs} ms: ${argvs.map((argv) => argv.join(' ')).join('; ')}\n`);
    return after.written - before.written;
  };
  const ip = (text: string) => ['ip', ...text.split(' ')];

  beforeAll(async () => {
    // Peers that nobody plays would have checksum offload tested, which is counted too.
    testbed = await Testbed.create({ hosts: 1, host: { dataplane: { vxlan_checksum_offload: 'on' } } });
    host = testbed.host('h1');
    await host.dataplane.start();
    driver = new DataplaneDriver(host);
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    await driver.applyPeers(snapshot(threePeers(host.address.ipv4)));
    await host.ip(...FOREIGN);
    await host.execOrFail(['nft', 'add', 'table', 'inet', 'other']);
    expect((await driver.status()).failures).toEqual([]);
    healthy = await stateOf(host);
  });

  afterAll(async () => {
    driver?.close();
    await testbed?.close();
  });

  it.each([
    ['a neighbour', ['neigh del 44.128.0.3 dev vtep1024'], 1],
    ['an IPv6 neighbour', ['neigh del fd01:a::3 dev vtep1024'], 1],
    [
      'a neighbour with another MAC',
      ['neigh replace 44.128.0.3 lladdr 02:00:00:00:00:01 dev vtep1024 nud permanent'],
      1,
    ],
    [
      'a neighbour that is no longer permanent, as one is that packets wait for',
      ['neigh replace 44.128.0.3 lladdr 70:b3:d5:80:00:03 dev vtep1024 nud reachable'],
      1,
    ],
    ['a route', ['route del 9.0.2.0/24'], 1],
    ['two routes of both families', ['route del 9.0.3.0/24', 'route del fd01:b:0:0:2::/80'], 2],
    ['a route of table 42', ['route del 198.51.100.2 table 42'], 1],
    ['an unreachable route', ['route del unreachable 9.0.0.0/8 metric 4278198272'], 1],
    ['a nexthop, and the routes that the kernel drops with it', ['nexthop del id 1333788675'], 3],
    ['a rule', ['-4 rule del priority 30042'], 1],
    ['an IPv6 rule', ['-6 rule del priority 30042'], 1],
    ['the address of a bridge', ['addr del 9.0.1.1/25 dev m-dcos'], 1],
    ['the route that came with the address of a bridge', ['route del 9.0.1.0/25 dev m-dcos'], 1],
    ['the routes of a bridge, all at once', ['-6 route flush dev m-dcos6'], 1],
    [
      'the routes that came with the addresses of the tunnel',
      ['route del 44.128.0.0/20 dev vtep1024', 'route del fd01:a::/64 dev vtep1024'],
      2,
    ],
    [
      'the link-local address that the kernel asks for neighbours from',
      ['addr del fe80::72b3:d5ff:fe80:2/64 dev vtep1024'],
      1,
    ],
    ['the TTL of tunnel packets', ['link set vtep1024 type vxlan ttl 1'], 1],
    [
      'the outer header of tunnel packets and where unknown ones go',
      [
        'link set vtep1024 type vxlan tos inherit df set',
        'link set vtep1024 type vxlan remote 198.51.100.77',
      ],
      1,
    ],
    ['a bridge that answers no ARP', ['link set m-dcos arp off'], 1],
    ['the MTU of a bridge', ['link set m-dcos mtu 1300'], 1],
    ['the MAC of a bridge', ['link set m-dcos address 02:99:99:99:99:99'], 1],
    ['a bridge that is down', ['link set m-dcos down'], 1],
    [
      'the MAC of the tunnel, and the neighbours that the kernel drops with it',
      ['link set vtep1024 address 02:99:99:99:99:99'],
      5,
    ],
    ['a stray route with our mark', ['route add 9.0.99.0/24 dev other proto 142'], 1],
    ...['blackhole', 'unreachable', 'prohibit', 'throw'].map((type): [string, string[], number] => [
      `stray routes that lead nowhere (${type}), beside ours and elsewhere`,
      [
        `route prepend ${type} 9.0.2.0/24 proto 142`,
        `route add ${type} 9.0.3.0/24 metric 7 proto 142`,
        `-6 route add ${type} fd01:b:0:0:2::/80 metric 7 proto 142`,
        `route add ${type} 9.0.99.0/24 proto 142`,
      ],
      4,
    ]),
    [
      'a stray local route with our mark',
      ['route prepend local 9.0.2.0/24 dev other table main proto 142'],
      1,
    ],
    ['a second route to our nexthop', ['route add 9.0.2.0/24 nhid 1333788675 metric 9 proto 142'], 1],
    [
      'a stray neighbour on our device',
      ['neigh add 44.128.0.99 lladdr 02:00:00:00:00:01 dev vtep1024 nud permanent'],
      1,
    ],
  ])('repairs %s', async (_, lines, damage) => {
    expect(await heal(...lines.map(ip))).toBe(damage);
  });

  it.each(['dev eth0', 'proxy l2miss noudpcsum maxaddress 7'])(
    'makes the tunnel anew that somebody made with %s',
    async (words) => {
      const tunnel = `id 1024 dstport 64000 local ${host.address.ipv4} nolearning`;
      const made = `link add vtep1024 up address 70:b3:d5:80:00:02 mtu 1420 type vxlan ${tunnel} ${words}`;
      await host.execOrFail(['sh', '-c', `ip link del vtep1024; ip ${made}`]);
      while ((await stateOf(host)) !== healthy) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await host.execOrFail(['ip', '-d', 'link', 'show', 'vtep1024'])).not.toContain(words);
    },
  );

  it('takes the tunnel back that somebody made a port of his bridge', async () => {
    await host.ip('link add captor type bridge', 'link set vtep1024 master captor');
    const tunnel = () => host.execOrFail(['ip', 'link', 'show', 'vtep1024']);
    while ((await tunnel()).includes('master captor'))
      await new Promise((resolve) => setTimeout(resolve, 20));
    await host.ip('link del captor');
    expect(await stateOf(host)).toBe(healthy);
  });

  it('repairs a forwarding entry, removed or led astray', async () => {
    const entry = ['70:b3:d5:80:00:03', 'dev', 'vtep1024'];
    expect(await heal(['bridge', 'fdb', 'del', ...entry])).toBe(1);
    const astray = ['bridge', 'fdb', 'replace', ...entry, 'dst', '198.51.100.77', 'self', 'permanent'];
    expect(await heal(astray)).toBe(1);
    for (const state of ['static', 'dynamic']) {
      const fading = ['bridge', 'fdb', 'replace', ...entry, 'dst', '198.51.100.2', 'self', state];
      expect(await heal(fading)).toBe(1);
    }
    const flood = ['bridge', 'fdb', 'append', '00:00:00:00:00:00', ...entry.slice(1), 'dst', '198.51.100.77'];
    expect(await heal([...flood, 'self', 'permanent'])).toBe(1);
  });

  it('repairs a forwarding entry to another port, which nobody is told of, with the next look at everything', async () => {
    const { written } = await counters(host);
    const entry = ['bridge', 'fdb', 'replace', '70:b3:d5:80:00:03', 'dev', 'vtep1024', 'dst', '198.51.100.2'];
    await host.execOrFail([...entry, 'port', '4789', 'self', 'permanent']);
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    expect(await stateOf(host)).toBe(healthy);
    expect((await counters(host)).written - written).toBe(1);
  });

  it('repairs the nftables table, removed, flushed or added to', async () => {
    expect(await heal(['nft', 'delete', 'table', 'inet', 'overlay'])).toBe(1);
    expect(await heal(['nft', 'flush', 'table', 'inet', 'overlay'])).toBe(1);
    expect(await heal(['nft', 'add', 'rule', 'inet', 'overlay', 'postrouting', 'accept'])).toBe(1);
  });

  it('repairs the admission of peers to the tunnel', async () => {
    const set = ['inet', 'overlay_admission', 'peers'];
    expect(await heal(['nft', 'delete', 'element', ...set, '{ 198.51.100.2 }'])).toBe(1);
    expect(await heal(['nft', 'add', 'element', ...set, '{ 198.51.100.77 }'])).toBe(1);
    expect(await heal(['nft', 'flush', 'set', ...set])).toBe(2);
    expect(await heal(['nft', 'delete', 'table', 'inet', 'overlay_admission'])).toBe(3);
  });

  it('repairs forwarding and reverse path filtering', async () => {
    const write = (key: string, value: string) => ['sysctl', '-q', '-w', `${key}=${value}`];
    expect(await heal(write('net.ipv4.ip_forward', '0'))).toBeGreaterThan(0);
    expect(await heal(write('net.ipv4.conf.vtep1024.rp_filter', '1'))).toBe(1);
    expect(await heal(write('net.ipv4.conf.m-dcos.forwarding', '0'))).toBe(1);
    expect(await heal(write('net.ipv6.conf.m-dcos6.forwarding', '0'))).toBe(1);
  });

  it('repairs the tunnel, gone with everything that was on it', async () => {
    const before = await counters(host);
    const written = await heal(ip('link del vtep1024'));
    expect(written).toBeGreaterThanOrEqual(20);
    expect((await counters(host)).found - before.found).toBe(written);
    expect(await heal(ip('link set vtep1024 down'), ip('link set vtep1024 up'))).toBeGreaterThan(0);
  });

  it('leaves no monitor behind when it is killed, and heals again when it is back', async () => {
    const monitors = async () =>
      (await host.execOrFail(['ip', 'netns', 'pids', host.namespace]))
        .split('\n')
        .filter((pid) => /^(?:ip|nft)$/.test(commandOf(pid)));
    expect(await monitors()).toHaveLength(2);
    await host.dataplane.kill();
    while ((await monitors()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await host.dataplane.start();
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    await driver.applyPeers(snapshot(threePeers(host.address.ipv4)));
    expect(await heal(ip('route del 9.0.2.0/24'))).toBe(1);
  });

  it('goes on reading nothing when nothing happens', async () => {
    const reads = async () =>
      /overlay_dataplane_apply_seconds_count\{[^}]*drift[^}]*\} (\d+)/.exec(
        await host.execOrFail(METRICS),
      )?.[1];
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = await reads();
    await host.ip('route add 198.19.0.0/16 dev other', 'route del 198.19.0.0/16 dev other');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await reads()).toBe(before);
  });
});
