import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CniChain, OUTSIDE, runCommand, Testbed } from '@overlay/testbed';

/** The standard plugins alone, so that this spec needs nothing of the product. */
function hostLocalChain(folder: string): CniChain {
  const ranges = [[{ subnet: '10.99.0.0/24' }], [{ subnet: 'fd99::/64' }]];
  const ipam = { type: 'host-local', dataDir: folder, ranges, routes: [{ dst: '0.0.0.0/0' }] };
  return {
    name: 'plain',
    cniVersion: '1.0.0',
    plugins: [{ type: 'bridge', bridge: 'plain', isGateway: true, ipam }],
  };
}

describe('a testbed', () => {
  let testbed: Testbed;

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 3 });
  }, 30_000);

  afterAll(() => testbed?.close());

  it('joins hosts, master and the outside over both families', async () => {
    const [first, second, third] = [testbed.host('h1'), testbed.host('h2'), testbed.host('h3')];
    const pings = await Promise.all([
      first.ping(second.address.ipv4),
      first.ping(third.address.ipv6),
      third.ping(OUTSIDE.ipv4),
      second.ping(OUTSIDE.ipv6),
    ]);
    expect(pings).toMatchObject([{ ok: true }, { ok: true }, { ok: true }, { ok: true }]);
    const fromRoot = await runCommand(['ping', '-n', '-c', '1', '-W', '2', first.address.ipv6]);
    expect(fromRoot).toMatchObject({ exitCode: 0 });
  });

  it('echoes TCP and UDP and says from where the other end was called', async () => {
    const first = testbed.host('h1');
    const second = testbed.host('h2');
    await testbed.outside.serveEcho();
    await second.serveEcho();
    expect(await first.tcp(second.address.ipv4, { sizeBytes: 100_000 })).toMatchObject({
      ok: true,
      seenAs: first.address.ipv4,
    });
    expect(await first.udp(second.address.ipv6)).toMatchObject({ ok: true, seenAs: first.address.ipv6 });
    expect(await second.tcp(OUTSIDE.ipv6)).toMatchObject({ ok: true, seenAs: second.address.ipv6 });
    expect(await first.tcp(testbed.host('h3').address.ipv4)).toMatchObject({ ok: false });
  });

  it('cuts a host off and heals it under a stream', async () => {
    const first = testbed.host('h1');
    const second = testbed.host('h2');
    await second.serveEcho();
    const stream = await first.openStream(second.address.ipv4);
    await testbed.partition(second);
    expect(await first.ping(second.address.ipv4, { timeoutMs: 300 })).toMatchObject({ ok: false });
    await testbed.heal(second);
    expect(await first.ping(second.address.ipv4, { count: 3 })).toMatchObject({ received: 3 });
    expect(await first.ping(second.address.ipv6, { count: 3 })).toMatchObject({ received: 3 });
    expect(await first.closeStream(stream)).toMatchObject({ stream });
  });

  it('captures what crosses the underlay', async () => {
    const first = testbed.host('h1');
    const third = testbed.host('h3');
    const capture = await testbed.captureUnderlay({ filter: ['icmp'] });
    await first.ping(third.address.ipv4, { count: 2, intervalMs: 10 });
    await capture.stop();
    const requests = (await capture.packets()).filter((packet) => packet.includes('ICMP echo request'));
    expect(requests).toHaveLength(2);
    expect(requests[0]).toContain(`${first.address.ipv4} > ${third.address.ipv4}`);
  });

  it('refuses packets above the MTU when they may not be fragmented', async () => {
    const first = testbed.host('h1');
    const target = testbed.host('h2').address.ipv4;
    expect(await first.ping(target, { packetBytes: 1500, dontFragment: true })).toMatchObject({ ok: true });
    expect(await first.ping(target, { packetBytes: 1501, dontFragment: true })).toMatchObject({ ok: false });
  });

  it('runs containers through the real bridge plugin and on a Docker half', async () => {
    const host = testbed.host('h1');
    const chain = hostLocalChain(`${testbed.folder}/host-local`);
    const [first, second, docker] = await Promise.all([
      host.attachCni('plain', { chain }),
      host.attachCni('plain', { chain }),
      host.attachDockerHalf('plain', { half: { subnet: '10.98.0.0/24', subnet6: 'fd98::/64' } }),
    ]);
    expect(first.addresses).toHaveLength(2);
    expect(docker.ipv4).toBe('10.98.0.2');
    await second.serveEcho();
    expect(await first.tcp(second.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: first.ipv4 });
    expect(await first.tcp(second.ipv6 ?? '')).toMatchObject({ ok: true, seenAs: first.ipv6 });
    expect(await docker.ping('10.98.0.1')).toMatchObject({ ok: true });
    await first.remove();
    expect(host.containers.map(({ label }) => label).sort()).toEqual([second.label, docker.label].sort());
    expect(await host.ipJson<{ readonly ifname: string }>('link', 'show', 'master', 'plain')).toHaveLength(1);
  });

  it('changes the address of a host', async () => {
    const third = testbed.host('h3');
    await third.changeAddress(testbed.spareAddress());
    expect(await testbed.host('h1').ping(third.address.ipv4)).toMatchObject({ ok: true });
    expect(await third.ping(OUTSIDE.ipv6)).toMatchObject({ ok: true });
    expect(third.agent.config.ip).toBe(third.address.ipv4);
  });

  it('takes hosts in and lets them burn', async () => {
    const host = await testbed.addHost();
    expect(await host.ping(testbed.host('h1').address.ipv6)).toMatchObject({ ok: true });
    await testbed.removeHost(host);
    expect(await testbed.host('h1').ping(host.address.ipv4, { timeoutMs: 300 })).toMatchObject({ ok: false });
    expect(testbed.hosts).not.toContain(host);
  });

  it('measures TCP throughput', async () => {
    const second = testbed.host('h2');
    const result = await testbed.host('h1').throughput(second, second.address.ipv4, 1);
    expect(result.bitsPerSecond).toBeGreaterThan(0);
  });
});
