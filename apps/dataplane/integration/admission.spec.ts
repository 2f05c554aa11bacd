import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Container, Testbed } from '@overlay/testbed';
import { delta, hostRequest, peer, snapshot } from './cluster-topology.js';
import { cniChain } from './cni-chain.js';
import { DataplaneDriver } from './dataplane-driver.js';

jest.setTimeout(60_000);

/** h1 and h2 are hosts of one cluster; h3 is set up like a host of it, but nobody told h1 and h2. */
describe('admission to the tunnel', () => {
  let testbed: Testbed;
  let drivers: DataplaneDriver[] = [];
  let left: Container;
  let right: Container;
  const host = (n: number) => testbed.host(`h${n}`);
  const peerAt = (n: number) => peer(n, host(n).address.ipv4);
  const driver = (n: number): DataplaneDriver => {
    const found = drivers[n - 1];
    if (found === undefined) throw new Error(`no driver ${n}`);
    return found;
  };

  /** How many packets each rule of h1 has dropped. */
  const dropped = async () => {
    const text = await host(1).execOrFail(['nft', 'list', 'table', 'inet', 'overlay_admission']);
    const packets = (rule: RegExp) => Number(rule.exec(text)?.[1] ?? Number.NaN);
    return {
      strangers: packets(/udp dport 64000 counter packets (\d+)/),
      sources: packets(/(?:oif|check) missing counter packets (\d+)/),
    };
  };

  beforeAll(async () => {
    // The stranger would test checksum offload with packets of its own, which are counted too.
    testbed = await Testbed.create({ hosts: 3, host: { dataplane: { vxlan_checksum_offload: 'on' } } });
    await Promise.all(testbed.hosts.map(({ dataplane }) => dataplane.start()));
    drivers = testbed.hosts.map((each) => new DataplaneDriver(each));
    for (const n of [1, 2, 3]) {
      await driver(n).applyHost(hostRequest(n, host(n).address.ipv4));
      const known = n === 3 ? [1, 2, 3] : [1, 2];
      await driver(n).applyPeers(snapshot(known.map(peerAt)));
      expect((await driver(n).status()).failures).toEqual([]);
    }
    left = await host(1).attachCni('dcos', { chain: cniChain(host(1), 1, 4) });
    right = await host(2).attachCni('dcos', { chain: cniChain(host(2), 2, 4) });
    await Promise.all([left.serveEcho(), right.serveEcho()]);
  });

  afterAll(async () => {
    for (const each of drivers) each.close();
    await testbed?.close();
  });

  it('lets peers in, containers and hosts, and counts nothing', async () => {
    expect(await right.tcp(left.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: right.ipv4 });
    expect(await host(2).tcp(left.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: '44.128.0.3' });
    const own = host(2).address.ipv4;
    const bound = await host(2).exec(['ping', '-n', '-c', '1', '-W', '2', '-I', own, left.ipv4 ?? '']);
    expect(bound.stdout).toContain(' 1 received');
    expect(await dropped()).toEqual({ strangers: 0, sources: 0 });
  });

  it('drops and counts the datagrams of a stranger', async () => {
    const capture = left.process('capture', ['tcpdump', '-n', '-l', '-i', 'eth0', 'icmp']);
    await capture.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await host(3).ping(left.ipv4 ?? '', { count: 3, timeoutMs: 500 })).toMatchObject({ received: 0 });
    await capture.stop();
    expect(capture.log()).not.toContain('echo request');
    expect(await dropped()).toEqual({ strangers: 3, sources: 0 });
  });

  it('drops and counts inner sources that are no peer’s', async () => {
    await host(2).ip('addr add 9.0.77.5/32 dev lo', 'addr add 192.0.2.5/32 dev lo');
    for (const source of ['9.0.77.5', '192.0.2.5']) {
      const run = await host(2).exec([
        'ping',
        '-n',
        '-c',
        '2',
        '-i',
        '0.2',
        '-W',
        '1',
        '-I',
        source,
        left.ipv4 ?? '',
      ]);
      expect(run.stdout).toContain(' 0 received');
    }
    expect(await dropped()).toMatchObject({ sources: 4 });
    const metrics = await host(1).execOrFail(['curl', '--silent', 'http://127.0.0.1:5063/metrics']);
    const counted = (reason: string) =>
      new RegExp(`admission_dropped_packets_total\\{[^}]*reason="${reason}"[^}]*\\} (\\d+)`).exec(
        metrics,
      )?.[1];
    expect({ stranger: counted('stranger'), source: counted('source') }).toEqual({
      stranger: '3',
      source: '4',
    });
    expect(metrics).toMatch(/overlay_dataplane_batch_lines_count\{[^}]*tool="nft"[^}]*\} \d/);
  });

  it('lets a stranger in once it is a peer, without touching the rest, and out again', async () => {
    const before = await dropped();
    const frames = [...snapshot([1, 2].map(peerAt)), delta(2n, [peerAt(3)])];
    // Forwarding entry, admission, and for each family neighbour, nexthop and route; and the route of table 42.
    expect(await driver(1).applyPeers(frames)).toMatchObject({ written: 9n });
    expect(await host(3).ping(left.ipv4 ?? '')).toMatchObject({ ok: true });
    expect(await dropped()).toEqual(before);
    await driver(1).applyPeers(snapshot([1, 2].map(peerAt), 3n));
    expect(await host(3).ping(left.ipv4 ?? '', { timeoutMs: 500 })).toMatchObject({ ok: false });
    expect(await dropped()).toMatchObject({ strangers: before.strangers + 1 });
  });

  it('writes nothing after a restart and drops no packet of a peer meanwhile', async () => {
    const stream = await right.openStream(left.ipv4 ?? '');
    await host(1).dataplane.kill();
    await host(1).dataplane.start();
    expect(await driver(1).applyHost(hostRequest(1, host(1).address.ipv4))).toMatchObject({ written: 0n });
    expect(await driver(1).applyPeers(snapshot([1, 2].map(peerAt)))).toMatchObject({ written: 0n });
    expect(await right.closeStream(stream)).toMatchObject({ ok: true });
  });
});
