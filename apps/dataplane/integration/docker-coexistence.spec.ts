import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Container, OUTSIDE, Testbed } from '@overlay/testbed';
import { hostRequest, peer, snapshot } from './cluster-topology.js';
import { cniChain } from './cni-chain.js';
import { DataplaneDriver } from './dataplane-driver.js';

jest.setTimeout(60_000);

/** What Docker leaves in a rule set: the chain, the way to it, and the policy for everything else. */
const docker = (tool: string) => [
  [tool, '-P', 'FORWARD', 'DROP'],
  [tool, '-N', 'DOCKER-USER'],
  [tool, '-A', 'DOCKER-USER', '-j', 'RETURN'],
  [tool, '-I', 'FORWARD', '-j', 'DOCKER-USER'],
];
const withoutDocker = (tool: string) => [
  [tool, '-P', 'FORWARD', 'ACCEPT'],
  [tool, '-F', 'FORWARD'],
  [tool, '-F', 'DOCKER-USER'],
  [tool, '-X', 'DOCKER-USER'],
];

describe('a host with Docker', () => {
  let testbed: Testbed;
  let drivers: DataplaneDriver[] = [];
  let left: Container;
  let right: Container;
  const host = (n: number) => testbed.host(`h${n}`);
  const driver = (): DataplaneDriver => {
    const [first] = drivers;
    if (first === undefined) throw new Error('no driver');
    return first;
  };
  const run = async (argvs: readonly (readonly string[])[]) => {
    for (const argv of argvs) await host(1).execOrFail(argv);
  };
  const accepts = async (tool: string) =>
    (await host(1).execOrFail([tool, '-S', 'DOCKER-USER'])).split('--comment overlay').length - 1;
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 100));
  };

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 2 });
    await Promise.all(testbed.hosts.map(({ dataplane }) => dataplane.start()));
    drivers = testbed.hosts.map((each) => new DataplaneDriver(each));
    const peers = [1, 2].map((n) => peer(n, host(n).address.ipv4));
    for (const [index, each] of drivers.entries()) {
      await each.applyHost(hostRequest(index + 1, host(index + 1).address.ipv4));
      await each.applyPeers(snapshot(peers));
    }
    left = await host(1).attachCni('dcos', { chain: cniChain(host(1), 1, 4) });
    right = await host(2).attachCni('dcos', { chain: cniChain(host(2), 2, 4) });
    await Promise.all([left.serveEcho(), right.serveEcho(), testbed.outside.serveEcho()]);
  });

  afterAll(async () => {
    for (const each of drivers) each.close();
    await testbed?.close();
  });

  it('writes nothing into iptables as long as Docker has no chain', async () => {
    expect(await host(1).execOrFail(['nft', 'list', 'tables'])).not.toMatch(/table ip6? filter/);
    expect(await host(1).execOrFail(['cat', '/proc/net/ip_tables_names'])).toBe('');
  });

  it.each(['iptables-nft', 'iptables-legacy'])(
    'passes the overlay through what %s would drop, and nothing else, also when the chain is flushed',
    async (tool) => {
      await run(docker(tool));
      try {
        await until(async () => (await accepts(tool)) === 3);
        expect(await left.tcp(right.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: left.ipv4 });
        expect(await right.tcp(left.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: right.ipv4 });
        expect(await host(2).tcp(left.ipv4 ?? '')).toMatchObject({ ok: true });
        expect(await left.tcp(OUTSIDE.ipv4)).toMatchObject({ ok: true, seenAs: host(1).address.ipv4 });
        await testbed.outside.ip(`route add 9.0.1.0/25 via ${host(1).address.ipv4}`);
        expect(await testbed.outside.tcp(left.ipv4 ?? '', { timeoutMs: 1_000 })).toMatchObject({ ok: false });
        await testbed.outside.ip('route del 9.0.1.0/25');
        await run([
          [tool, '-F', 'DOCKER-USER'],
          [tool, '-A', 'DOCKER-USER', '-j', 'RETURN'],
        ]);
        await until(async () => (await accepts(tool)) === 3);
        expect(await left.tcp(right.ipv4 ?? '')).toMatchObject({ ok: true });
        expect((await driver().status()).objects.find(({ kind }) => kind === 'docker-accept')).toMatchObject({
          desired: 3n,
          present: 3n,
        });
      } finally {
        await run(withoutDocker(tool));
      }
      const desired = async () =>
        (await driver().status()).objects.find(({ kind }) => kind === 'docker-accept')?.desired;
      await until(async () => (await desired()) === 0n);
      expect((await driver().status()).failures).toEqual([]);
    },
  );

  it('opens nothing that isolation closes', async () => {
    const request = hostRequest(1, host(1).address.ipv4);
    const isolated = request.networks.map(({ spec, ...rest }) => ({
      ...rest,
      spec: spec && { ...spec, isolated: true },
    }));
    await run(docker('iptables-nft'));
    try {
      await until(async () => (await accepts('iptables-nft')) === 3);
      await driver().applyHost({ ...request, networks: isolated });
      expect(await left.tcp(OUTSIDE.ipv4, { timeoutMs: 500 })).toMatchObject({ ok: false });
      expect(await host(2).tcp(left.ipv4 ?? '', { timeoutMs: 500 })).toMatchObject({ ok: false });
      expect(await right.tcp(left.ipv4 ?? '')).toMatchObject({ ok: true });
    } finally {
      await driver().applyHost(request);
      await run(withoutDocker('iptables-nft'));
    }
  });

  it('passes the overlay through a real engine, also when that starts again', async () => {
    await host(1).docker.start();
    try {
      await run([['iptables', '-P', 'FORWARD', 'DROP']]);
      await until(async () => (await accepts('iptables')) === 3);
      expect(await left.tcp(right.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: left.ipv4 });
      await host(1).docker.restart();
      await until(async () => (await accepts('iptables')) === 3);
      expect(await right.tcp(left.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: right.ipv4 });
    } finally {
      await host(1).docker.powerOff();
      await run([
        ['iptables', '-P', 'FORWARD', 'ACCEPT'],
        ['iptables', '-F', 'DOCKER-USER'],
      ]);
    }
  });

  it('forwards nothing of the IPv4 that an old engine gives to an IPv6-only network', async () => {
    const half = { subnet: '172.30.0.0/24', subnet6: 'fd01:b:0:0:1:8000::/81' };
    const container = await host(1).attachDockerHalf('dcos6', { half });
    await container.serveEcho();
    const dropped = async () => {
      const table = await host(1).execOrFail(['nft', 'list', 'table', 'inet', 'overlay']);
      return ['iifname', 'oifname'].map((side) =>
        Number(new RegExp(`${side} "d-dcos6" meta nfproto ipv4 counter packets (\\d+)`).exec(table)?.[1]),
      );
    };
    expect(await dropped()).toEqual([0, 0]);
    expect(await container.tcp(OUTSIDE.ipv4, { timeoutMs: 500 })).toMatchObject({ ok: false });
    expect(await left.tcp(container.ipv4 ?? '', { timeoutMs: 500 })).toMatchObject({ ok: false });
    const [from, to] = await dropped();
    expect(from).toBeGreaterThan(0);
    expect(to).toBeGreaterThan(0);
    expect(await container.tcp(OUTSIDE.ipv6)).toMatchObject({ ok: true });
  });

  it('takes its rules away when it is purged, and leaves those of others', async () => {
    await run([
      ...docker('ip6tables-nft'),
      ['ip6tables-nft', '-A', 'DOCKER-USER', '-s', '2001:db8::/32', '-j', 'ACCEPT'],
    ]);
    await until(async () => (await accepts('ip6tables-nft')) === 3);
    expect((await driver().purge()).leftovers).toEqual([]);
    const left6 = await host(1).execOrFail(['ip6tables-nft', '-S', 'DOCKER-USER']);
    expect(left6.trim().split('\n')).toEqual([
      '-N DOCKER-USER',
      '-A DOCKER-USER -j RETURN',
      '-A DOCKER-USER -s 2001:db8::/32 -j ACCEPT',
    ]);
  });
});
