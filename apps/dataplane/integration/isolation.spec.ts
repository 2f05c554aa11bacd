import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  type AgentNetwork,
  type ApplyHostRequest,
  type Network,
  NetworkOrigin,
  NetworkPhase,
  NetworkStatus,
  type Peer,
} from '@overlay/contracts';
import { type Container, type NetworkNamespace, OUTSIDE, Testbed } from '@overlay/testbed';
import { hostRequest, OVERLAY_MTU, peer, snapshot } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';

jest.setTimeout(60_000);

/** Number of each network in its addresses: 9.N.0.0/16 and fd01:N::/64. */
const NETWORKS = { secret: 10, open: 20, other: 30 } as const;
type Name = keyof typeof NETWORKS;

function network(name: Name): Network {
  const number = NETWORKS[name];
  return {
    id: `net-${name}`,
    spec: {
      name,
      subnet: `9.${number}.0.0/16`,
      prefix: 24,
      subnet6: `fd01:${number}::/64`,
      prefix6: 80,
      disabled: false,
      isolated: name === 'secret',
    },
    origin: NetworkOrigin.CONFIGURATION,
    phase: NetworkPhase.ACTIVE,
  };
}

const names = Object.keys(NETWORKS) as Name[];
const block = (name: Name, host: number) => `9.${NETWORKS[name]}.${host}.0/24`;
const block6 = (name: Name, host: number) => `fd01:${NETWORKS[name]}:0:0:${host}::/80`;

/** @param open leaves `secret` open too */
function request(n: number, ip: string, open = false): ApplyHostRequest {
  const base = hostRequest(n, ip);
  const networks = names.map(
    (name): AgentNetwork => ({
      networkId: `net-${name}`,
      network: network(name).spec,
      subnet: block(name, n),
      subnet6: block6(name, n),
      routedPrefixes: [block(name, n), block6(name, n)],
      cniBridge: {
        name: `m-${name}`,
        ip: `9.${NETWORKS[name]}.${n}.0/25`,
        ip6: `fd01:${NETWORKS[name]}:0:0:${n}::/81`,
      },
      dockerBridge: {
        name: `d-${name}`,
        ip: `9.${NETWORKS[name]}.${n}.128/25`,
        ip6: `fd01:${NETWORKS[name]}:0:0:${n}:8000::/81`,
      },
      state: undefined,
    }),
  );
  const assignment = base.assignment && { ...base.assignment, networks };
  const clusterNetworks = names
    .map(network)
    .map(({ spec, ...rest }) => ({ ...rest, spec: spec && { ...spec, isolated: spec.isolated && !open } }));
  return { ...base, assignment, networks: clusterNetworks };
}

function peerOf(n: number, ip: string): Peer {
  const prefixes = names.flatMap((name) =>
    [block(name, n), block6(name, n)].map((prefix) => ({ networkId: `net-${name}`, prefix })),
  );
  return { ...peer(n, ip), prefixes };
}

describe('isolation', () => {
  let testbed: Testbed;
  let drivers: DataplaneDriver[] = [];
  /** By network and host, for example `secret1`; `secret1b` is a second one, `secret2d` one on the Docker half. */
  const containers = new Map<string, Container>();
  const host = (n: number) => testbed.host(`h${n}`);
  const container = (name: string): Container => containers.get(name) ?? fail(name);
  const fail = (name: string): never => {
    throw new Error(`no container ${name}`);
  };

  const attach = async (name: Name, n: number) => {
    const number = NETWORKS[name];
    const [subnet, gateway] = [`9.${number}.${n}.0/25`, `9.${number}.${n}.1`];
    const [subnet6, gateway6] = [`fd01:${number}:0:0:${n}::/81`, `fd01:${number}:0:0:${n}::1`];
    const ipam = {
      type: 'host-local',
      dataDir: `${host(n).paths.folder}/host-local`,
      ranges: [[{ subnet, gateway }], [{ subnet: subnet6, gateway: gateway6 }]],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
    };
    const plugin = { type: 'bridge', bridge: `m-${name}`, mtu: OVERLAY_MTU, ipam };
    return host(n).attachCni(name, { chain: { name, cniVersion: '0.4.0', plugins: [plugin] } });
  };

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 2 });
    await Promise.all(testbed.hosts.map(({ dataplane }) => dataplane.start()));
    drivers = testbed.hosts.map((each) => new DataplaneDriver(each));
    const peers = [1, 2].map((n) => peerOf(n, host(n).address.ipv4));
    for (const [index, driver] of drivers.entries()) {
      const { networks } = await driver.applyHost(request(index + 1, host(index + 1).address.ipv4));
      expect(networks.map(({ state }) => state)).toEqual(
        names.map(() => ({ status: NetworkStatus.OK, error: '' })),
      );
      await driver.applyPeers(snapshot(peers));
      expect((await driver.status()).failures).toEqual([]);
    }
    for (const name of ['secret', 'open'] as const) {
      containers.set(`${name}1`, await attach(name, 1));
      containers.set(`${name}1b`, await attach(name, 1));
      containers.set(`${name}2`, await attach(name, 2));
      const half = {
        subnet: `9.${NETWORKS[name]}.2.128/25`,
        subnet6: `fd01:${NETWORKS[name]}:0:0:2:8000::/81`,
      };
      containers.set(`${name}2d`, await host(2).attachDockerHalf(name, { half }));
    }
    containers.set('other1', await attach('other', 1));
    containers.set('other2', await attach('other', 2));
    // The outside knows the way to the containers, so that only isolation can keep it out.
    const { ipv4, ipv6 } = host(1).address;
    for (const name of ['secret', 'open'] as const) {
      const number = NETWORKS[name];
      await testbed.outside.ip(
        `route add 9.${number}.0.0/16 via ${ipv4}`,
        `route add fd01:${number}::/64 via ${ipv6}`,
      );
    }
    await Promise.all(
      [...containers.values(), ...testbed.hosts, testbed.outside].map((each) => each.serveEcho()),
    );
  });

  afterAll(async () => {
    for (const driver of drivers) driver.close();
    await testbed?.close();
  });

  interface Addresses {
    readonly ipv4?: string | undefined;
    readonly ipv6?: string | undefined;
  }
  /** Who it is, its addresses, and those that its wildcard UDP socket answers from. */
  type End = readonly [NetworkNamespace, Addresses, Addresses];
  const endOf = (name: string): End => {
    if (name === 'outside') return [testbed.outside, OUTSIDE, OUTSIDE];
    const n = Number(/^h(\d)$/.exec(name)?.[1] ?? 0);
    if (n === 0) return [container(name), container(name), container(name)];
    return [host(n), host(n).address, { ...host(n).address, ipv4: `44.128.0.${n + 1}` }];
  };

  /** Which of TCP, UDP and ICMP over IPv4 and IPv6 get through. */
  const passes = async (from: string, to: string, expected: boolean): Promise<readonly string[]> => {
    const [source] = endOf(from);
    const [, addresses, udp] = endOf(to);
    const timeoutMs = expected ? 4_000 : 500;
    const probes = (['ipv4', 'ipv6'] as const).flatMap((family, index) => {
      const target = addresses[family] ?? '';
      return [
        source.tcp(target, { timeoutMs }).then(({ ok }) => [`tcp${index}`, ok] as const),
        source.udp(udp[family] ?? '', { timeoutMs }).then(({ ok }) => [`udp${index}`, ok] as const),
        source.ping(target, { timeoutMs }).then(({ ok }) => [`icmp${index}`, ok] as const),
      ];
    });
    const results = await Promise.all(probes);
    return results.flatMap(([name, ok]) => (ok ? [name] : [])).sort();
  };
  const EVERYTHING = ['icmp0', 'icmp1', 'tcp0', 'tcp1', 'udp0', 'udp1'];

  it.each([
    ['a container on the same host', '1', '1b', true],
    ['a container on another host', '1', '2', true],
    ['a container on the Docker half of another host', '1', '2d', true],
    ['a container of the same host on the other half', '2', '2d', true],
    ['another network on the same host', '1', 'other1', false],
    ['another network on another host', '1', 'other2', false],
    ['the remote host', '1', 'h2', false],
    ['the remote host, on the Docker half', '2d', 'h1', false],
    ['the outside', '1', 'outside', false],
  ])('towards and from %s', async (_, near, far, inside) => {
    for (const name of ['open', 'secret'] as const) {
      const from = `${name}${near}`;
      const to = /^\d/.test(far) ? `${name}${far}` : far;
      const expected = inside || name === 'open';
      const result = { there: await passes(from, to, expected), back: await passes(to, from, expected) };
      const wanted = expected ? EVERYTHING : [];
      expect({ name, ...result }).toEqual({ name, there: wanted, back: wanted });
    }
  });

  it('the own host reaches its containers on both halves, and they not it', async () => {
    for (const name of ['open', 'secret'] as const) {
      const open = name === 'open';
      expect(await passes('h1', `${name}1`, true)).toEqual(EVERYTHING);
      expect(await passes('h2', `${name}2d`, true)).toEqual(EVERYTHING);
      expect(await passes(`${name}1`, 'h1', open)).toEqual(open ? EVERYTHING : []);
      expect(await passes(`${name}2d`, 'h2', open)).toEqual(open ? EVERYTHING : []);
    }
  });

  it('ends what a container had opened to its host before, and not what the host had opened to it', async () => {
    const [first] = drivers;
    const { address } = host(1);
    await first?.applyHost(request(1, address.ipv4, true));
    const own = container('secret1');
    const families = ['ipv4', 'ipv6'] as const;
    const inbound = await Promise.all(families.map((family) => own.openStream(address[family])));
    const outbound = await Promise.all(families.map((family) => host(1).openStream(own[family] ?? '')));
    const [statusIn, statusOut] = [own, host(1)].map((end) => (stream: number) => end.streamStatus(stream));
    const echoed = async (status: typeof statusIn, streams: readonly number[]) =>
      Promise.all(streams.map(async (stream) => (await status?.(stream))?.linesEchoed ?? 0));
    const goOn = async (status: typeof statusIn, streams: readonly number[]) => {
      const before = await echoed(status, streams);
      const more = async () =>
        (await echoed(status, streams)).every((lines, n) => lines > (before[n] ?? 0) + 20);
      while (!(await more())) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await goOn(statusIn, inbound);
    await goOn(statusOut, outbound);
    await first?.applyHost(request(1, address.ipv4));
    const ended = await echoed(statusIn, inbound);
    await goOn(statusOut, outbound);
    expect(await echoed(statusIn, inbound)).toEqual(ended);
    for (const stream of inbound) await own.closeStream(stream);
    for (const stream of outbound) expect(await host(1).closeStream(stream)).toMatchObject({ ok: true });
  });

  it('keeps out a container of another network that lies about its source, on one host and across', async () => {
    const liar = container('open1');
    await liar.ip('addr add 9.10.1.77/32 dev eth0');
    for (const target of ['secret1', 'secret2']) {
      const { ipv4 = '' } = container(target);
      const capture = container(target).process('capture', [
        'tcpdump',
        '-n',
        '-l',
        '-i',
        'eth0',
        'host',
        '9.10.1.77',
      ]);
      await capture.start();
      await new Promise((resolve) => setTimeout(resolve, 500));
      await liar.exec(['ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', '-I', '9.10.1.77', ipv4]);
      await capture.stop();
      expect(capture.log()).not.toMatch(/ICMP echo request/);
    }
  });

  it('keeps out what the other host sends from its gateway address, which lies in the network', async () => {
    const captures = await Promise.all(
      (['secret2', 'open2'] as const).map(async (name) => {
        const filter = ['icmp', 'or', 'icmp6'];
        const capture = container(name).process('capture', ['tcpdump', '-n', '-l', '-i', 'eth0', ...filter]);
        await capture.start();
        return capture;
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    const send = (from: string, to: string | undefined) =>
      host(1).exec(['ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', '-I', from, to ?? '']);
    for (const [name, number] of [
      ['secret2', 10],
      ['open2', 20],
    ] as const) {
      await send(`9.${number}.1.1`, container(name).ipv4);
      await send(`fd01:${number}:0:0:1::1`, container(name).ipv6);
    }
    const [secret, open] = captures;
    for (const family of ['ICMP echo request', 'ICMP6, echo request'])
      while (!open?.log().includes(family)) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const capture of captures) await capture.stop();
    expect(secret?.log()).not.toContain('echo request');
  });

  it('drops sources outside the half', async () => {
    const liar = container('secret1');
    await liar.ip('addr add 9.10.1.200/32 dev eth0');
    const { stdout } = await liar.exec([
      'ping',
      '-n',
      '-c',
      '1',
      '-W',
      '1',
      '-I',
      '9.10.1.200',
      container('secret2').ipv4 ?? '',
    ]);
    expect(stdout).toContain(' 0 received');
    const { stdout: honest } = await liar.exec([
      'ping',
      '-n',
      '-c',
      '1',
      '-W',
      '2',
      container('secret2').ipv4 ?? '',
    ]);
    expect(honest).toContain(' 1 received');
  });

  it('routes nothing that claims to be neighbour discovery', async () => {
    const [liar, target] = [container('secret1'), container('open1')];
    const capture = target.process('capture', ['tcpdump', '-n', '-l', '-i', 'eth0', 'icmp6']);
    await capture.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const chain = ['inet', 'lies', 'output'];
    await liar.execOrFail(['nft', 'add', 'table', 'inet', 'lies']);
    await liar.execOrFail(['nft', 'add', 'chain', ...chain, '{ type filter hook output priority 0; }']);
    for (const type of ['nd-neighbor-solicit', 'nd-neighbor-advert']) {
      await liar.execOrFail(['nft', 'flush', 'chain', ...chain]);
      const lie = `ip6 saddr ${liar.ipv6} icmpv6 type echo-request icmpv6 type set ${type}`;
      await liar.execOrFail(['nft', 'add', 'rule', ...chain, ...lie.split(' ')]);
      await liar.exec(['ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', target.ipv6 ?? '']);
    }
    await liar.execOrFail(['nft', 'delete', 'table', 'inet', 'lies']);
    expect(await container('open2').ping(target.ipv6 ?? '')).toMatchObject({ ok: true });
    while (!capture.log().includes('echo request')) await new Promise((resolve) => setTimeout(resolve, 20));
    await capture.stop();
    expect(capture.log()).not.toContain(`${liar.ipv6} > ${target.ipv6}`);
  });

  it('writes nothing a second time', async () => {
    const [first] = drivers;
    expect(await first?.applyHost(request(1, host(1).address.ipv4))).toMatchObject({ written: 0n });
  });
});
