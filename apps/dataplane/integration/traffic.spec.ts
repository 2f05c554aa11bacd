import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { NetworkStatus } from '@overlay/contracts';
import { type Container, OUTSIDE, Testbed } from '@overlay/testbed';
import { hostRequest, OVERLAY_MTU, peer, snapshot } from './cluster-topology.js';
import { cniChain } from './cni-chain.js';
import { DataplaneDriver } from './dataplane-driver.js';

jest.setTimeout(60_000);

describe('traffic between hosts', () => {
  let testbed: Testbed;
  let drivers: DataplaneDriver[] = [];
  let left: Container;
  let right: Container;
  let left6: Container;
  let right6: Container;
  let docker: Container;
  const host = (n: number) => testbed.host(`h${n}`);
  const peers = () => [1, 2, 3].map((n) => peer(n, host(n).address.ipv4));

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 3 });
    await Promise.all(testbed.hosts.map(async ({ dataplane }) => dataplane.start()));
    drivers = testbed.hosts.map((each) => new DataplaneDriver(each));
    for (const [index, driver] of drivers.entries()) {
      const response = await driver.applyHost(hostRequest(index + 1, host(index + 1).address.ipv4));
      expect(response.networks.map(({ state }) => state)).toEqual([
        { status: NetworkStatus.OK, error: '' },
        { status: NetworkStatus.OK, error: '' },
      ]);
      await driver.applyPeers(snapshot(peers()));
      const status = await driver.status();
      expect(status.failures).toEqual([]);
    }
    left = await host(1).attachCni('dcos', { chain: cniChain(host(1), 1, 4) });
    right = await host(2).attachCni('dcos', { chain: cniChain(host(2), 2, 4) });
    left6 = await host(1).attachCni('dcos6', { chain: cniChain(host(1), 1, 6) });
    right6 = await host(2).attachCni('dcos6', { chain: cniChain(host(2), 2, 6) });
    docker = await host(3).attachDockerHalf('dcos', { half: { subnet: '9.0.3.128/25' } });
    for (const each of [right, right6, docker, ...testbed.hosts, testbed.outside]) await each.serveEcho();
  });

  afterAll(async () => {
    for (const driver of drivers) driver.close();
    await testbed?.close();
  });

  it('crosses hosts at exactly the overlay MTU, IPv4 and IPv6, both halves, without ARP or ND for it', async () => {
    const capture = await testbed.captureUnderlay();
    const exact = { packetBytes: OVERLAY_MTU, dontFragment: true, count: 2 };
    expect(await left.ping(right.ipv4 ?? '', exact)).toMatchObject({ ok: true });
    expect(await left6.ping(right6.ipv6 ?? '', exact)).toMatchObject({ ok: true });
    expect(await left.ping(docker.ipv4 ?? '', exact)).toMatchObject({ ok: true });
    expect(await docker.ping(left.ipv4 ?? '', exact)).toMatchObject({ ok: true });
    const over = { packetBytes: OVERLAY_MTU + 1, dontFragment: true };
    expect(await left.ping(right.ipv4 ?? '', over)).toMatchObject({ ok: false });
    await capture.stop();
    const packets = await capture.packets(true);
    expect(packets.some((packet) => packet.includes('VXLAN'))).toBe(true);
    const asked = packets.filter((packet) => /who-has|neighbor solicitation/.test(packet));
    expect(asked.filter((packet) => /VXLAN| 9\.0\.| 44\.128\.|fd01:/.test(packet))).toEqual([]);
  });

  it('keeps the source address between containers', async () => {
    expect(await left.tcp(right.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: left.ipv4 });
    expect(await left6.tcp(right6.ipv6 ?? '')).toMatchObject({ ok: true, seenAs: left6.ipv6 });
  });

  it('carries a container to a peer host’s own address through the tunnel, from the VTEP address', async () => {
    expect(await left.tcp(host(2).address.ipv4)).toMatchObject({ ok: true, seenAs: '44.128.0.2' });
  });

  it('carries a host to remote containers and to its own', async () => {
    expect(await host(1).tcp(right.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: '44.128.0.2' });
    expect(await host(1).tcp(right6.ipv6 ?? '')).toMatchObject({ ok: true, seenAs: 'fd01:a::2' });
    expect(await host(2).tcp(right.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: '9.0.2.1' });
  });

  it('carries a container to its own host, unchanged', async () => {
    expect(await left.tcp(host(1).address.ipv4)).toMatchObject({ ok: true, seenAs: left.ipv4 });
  });

  it('masquerades to the outside, IPv4 and IPv6', async () => {
    const { ipv4, ipv6 } = OUTSIDE;
    expect(await left.tcp(ipv4)).toMatchObject({ ok: true, seenAs: host(1).address.ipv4 });
    expect(await left6.tcp(ipv6)).toMatchObject({ ok: true, seenAs: host(1).address.ipv6 });
  });

  it('answers for unassigned overlay addresses itself', async () => {
    const { output } = await left.ping('9.77.0.1');
    expect(output).toMatch(/Unreachable/);
  });

  it('goes on under a TCP stream while the process is killed and started again, and writes nothing then', async () => {
    const stream = await left.openStream(right.ipv4 ?? '');
    const events = host(1).process('monitor', [
      'ip',
      'monitor',
      'link',
      'address',
      'route',
      'nexthop',
      'neigh',
    ]);
    await host(1).dataplane.kill();
    await host(1).dataplane.start();
    await events.start();
    const driver = new DataplaneDriver(host(1));
    try {
      const { written } = await driver.applyHost(hostRequest(1, host(1).address.ipv4));
      const again = await driver.applyPeers(snapshot(peers()));
      expect({ written, peers: again.written }).toEqual({ written: 0n, peers: 0n });
    } finally {
      driver.close();
      await events.stop();
    }
    expect(
      events
        .log()
        .split('\n')
        .filter((line) => /vtep1024|m-dcos|nhid/.test(line) && !/STALE|REACHABLE|DELAY|PROBE/.test(line)),
    ).toEqual([]);
    const status = await left.closeStream(stream);
    expect(status).toMatchObject({ ok: true });
    expect(status.linesEchoed).toBeGreaterThan(0);
  });
});
