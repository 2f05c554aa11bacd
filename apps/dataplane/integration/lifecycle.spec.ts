import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { NetworkStatus } from '@overlay/contracts';
import { isFailure } from '@overlay/failure';
import { type Host, Testbed } from '@overlay/testbed';
import { delta, hostRequest, peer, snapshot } from './cluster-topology.js';
import { cniChain } from './cni-chain.js';
import { DataplaneDriver } from './dataplane-driver.js';
import { dumpKernel } from './dump-kernel.js';

jest.setTimeout(60_000);

describe('the life of a host', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  const request = () => hostRequest(1, host.address.ipv4);

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1 });
    host = testbed.host('h1');
    await host.dataplane.start();
    driver = new DataplaneDriver(host);
  });

  afterAll(async () => {
    driver?.close();
    await testbed?.close();
  });

  it('changes nothing for a bad description and names every wrong field', async () => {
    const before = await dumpKernel(host);
    const bad = request();
    const assignment = { ...bad.assignment, ip: 'ten', nodeId: '' } as typeof bad.assignment;
    const failure = await driver.applyHost({ ...bad, assignment, overlayMtu: 100 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(isFailure(failure, 'invalid_argument') && failure.violations.map(({ field }) => field)).toEqual([
      'overlay_mtu',
      'assignment.node_id',
      'assignment.ip',
    ]);
    expect(await dumpKernel(host)).toBe(before);
    expect(await driver.status()).toMatchObject({ configured: false });
  });

  it('remembers peers that come first', async () => {
    await driver.applyPeers(snapshot([peer(1, host.address.ipv4), peer(2, '198.51.100.2')]));
    expect(await host.execOrFail(['ip', 'nexthop', 'show'])).toBe('');
    await driver.applyHost(request());
    expect(await dumpKernel(host)).toMatch(/9\.0\.2\.0\/24 nhid \d+ via 44\.128\.0\.3 dev vtep1024/);
  });

  it('writes nothing a second time', async () => {
    const before = await dumpKernel(host);
    expect(await driver.applyHost(request())).toMatchObject({ written: 0n });
    const frames = snapshot([peer(1, host.address.ipv4), peer(2, '198.51.100.2')]);
    expect(await driver.applyPeers(frames)).toMatchObject({ written: 0n, appliedRevision: 1n });
    expect(await dumpKernel(host)).toBe(before);
  });

  it('follows a peer to another underlay address', async () => {
    const frames = [...snapshot([peer(2, '198.51.100.2')]), delta(2n, [peer(2, '198.51.100.9')])];
    expect(await driver.applyPeers(frames)).toMatchObject({ appliedRevision: 2n });
    const text = await dumpKernel(host);
    expect(text).toMatch(/70:b3:d5:80:00:03 dev vtep1024 dst 198\.51\.100\.9 self permanent/);
    expect(text).not.toContain('198.51.100.2 ');
  });

  it('leaves nothing of a peer that goes, and nothing of the others goes with it', async () => {
    await driver.applyPeers(snapshot([peer(3, '198.51.100.3')]));
    const alone = await dumpKernel(host);
    await driver.applyPeers([
      ...snapshot([peer(3, '198.51.100.3'), peer(2, '198.51.100.9')]),
      delta(3n, [], ['node-2']),
    ]);
    expect(await dumpKernel(host)).toBe(alone);
    expect(alone).not.toMatch(/44\.128\.0\.3|fd01:a::3|198\.51\.100\.9/);
  });

  it('refuses a stream that does not start with a snapshot', async () => {
    const failure = await driver.applyPeers([delta(9n, [peer(4, '198.51.100.4')])]).catch((e: unknown) => e);
    expect(isFailure(failure, 'failed_precondition')).toBe(true);
    expect(await dumpKernel(host)).not.toContain('198.51.100.4');
  });

  it('ends an older stream when a newer one comes, and keeps its peers until the newer snapshot is complete', async () => {
    const held = new AbortController();
    const older = driver.holdPeers(snapshot([peer(5, '198.51.100.5')]), held.signal).catch((e: unknown) => e);
    try {
      while (!(await dumpKernel(host)).includes('198.51.100.5'))
        await new Promise((resolve) => setTimeout(resolve, 50));
      await driver.applyPeers(snapshot([peer(3, '198.51.100.3')]).slice(0, 1));
      expect(isFailure(await older, 'aborted')).toBe(true);
      expect(await dumpKernel(host)).toMatch(/198\.51\.100\.5 /);
      await driver.applyPeers(snapshot([peer(3, '198.51.100.3')]));
      expect(await dumpKernel(host)).not.toMatch(/198\.51\.100\.5 /);
    } finally {
      held.abort();
    }
  });

  it('reports a peer that claims this host’s VTEP, and takes the others', async () => {
    const thief = { ...peer(4, '198.51.100.4'), vtepMac: peer(1, '').vtepMac };
    await driver.applyPeers(snapshot([thief, peer(3, '198.51.100.3')]));
    const { failures } = await driver.status();
    expect(failures).toEqual([expect.objectContaining({ kind: 'peer', object: 'node-4' })]);
    await driver.applyPeers(snapshot([peer(3, '198.51.100.3')]));
    expect((await driver.status()).failures).toEqual([]);
  });

  it('skips a nexthop id that another program holds', async () => {
    await host.ip('link add other type bridge', 'link set other up', 'nexthop add id 1333788677 dev other');
    await driver.applyHost(request());
    await driver.applyPeers(snapshot([peer(3, '198.51.100.3'), peer(4, '198.51.100.4')]));
    expect((await driver.status()).failures).toEqual([]);
    expect(await host.execOrFail(['ip', 'nexthop', 'show', 'id', '1333788677'])).toContain('dev other');
    expect(await host.execOrFail(['ip', 'route', 'show', '9.0.4.0/24'])).toContain('nhid 1333788678');
  });

  it('stands as described after damage and the next description, whoever was first to repair it', async () => {
    const before = await dumpKernel(host);
    await host.ip('route del 9.0.3.0/24', 'link set vtep1024 down', 'link set vtep1024 up');
    await host.execOrFail(['nft', 'flush', 'table', 'inet', 'overlay']);
    await driver.applyHost(request());
    expect((await driver.status()).failures).toEqual([]);
    const nexthops = (text: string) =>
      text.split('\n').filter((line) => /9\.0\.|44\.128|masquerade/.test(line));
    expect(nexthops(await dumpKernel(host)).sort()).toEqual(nexthops(before).sort());
  });

  it('removes a second nexthop towards a peer', async () => {
    await host.ip('nexthop add id 1400000000 via 44.128.0.4 dev vtep1024 protocol 142');
    await driver.applyHost(request());
    expect((await driver.status()).failures).toEqual([]);
    expect(await host.execOrFail(['ip', 'nexthop', 'show'])).not.toContain('1400000000');
    expect(await driver.applyHost(request())).toMatchObject({ written: 0n });
  });

  it('says when its packets do not fit the underlay, and when they do again', async () => {
    const errors = async () => (await driver.status()).networks.map(({ state }) => state?.error ?? '');
    const until = async (pattern: RegExp) => {
      while (!(await errors()).every((error) => pattern.test(error)))
        await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await host.ip('link set eth0 mtu 1460');
    await until(/1420 bytes, does not fit: eth0 carries 1460 bytes .* overlay_mtu to at most 1410/);
    const { networks } = await driver.applyHost(request());
    expect(networks.map(({ state }) => state?.status)).toEqual([NetworkStatus.FAILED, NetworkStatus.FAILED]);
    await host.ip('link set eth0 mtu 1500');
    await until(/^$/);
  });

  it('takes over a bridge that a CNI plugin made first, and keeps its MAC', async () => {
    // Not while it runs, for it would put its own bridge back at once.
    await host.dataplane.kill();
    await host.ip('link del m-dcos', 'link add m-dcos type bridge', 'link set m-dcos up');
    await host.dataplane.start();
    const mac = async () => {
      const [link] = await host.ipJson<{ address: string; ifalias?: string }>('link', 'show', 'm-dcos');
      return link;
    };
    const made = await mac();
    const { networks } = await driver.applyHost(request());
    expect(networks.map(({ state }) => state?.error)).toEqual(['', '']);
    expect(await mac()).toMatchObject({ address: made?.address, ifalias: 'overlay:net-dcos' });
    await host.ip(
      'link add port1 address 00:00:00:00:00:01 type veth peer name port2',
      'link set port1 master m-dcos',
    );
    expect((await mac())?.address).toBe(made?.address);
  });
});

describe('an IPv6 underlay', () => {
  it('carries both families, and containers to a peer host’s own address', async () => {
    await using testbed = await Testbed.create({ hosts: 2 });
    const drivers: DataplaneDriver[] = [];
    try {
      const address = (n: number) => testbed.host(`h${n}`).address.ipv6;
      for (const n of [1, 2]) {
        const host = testbed.host(`h${n}`);
        await host.dataplane.start();
        const driver = new DataplaneDriver(host);
        drivers.push(driver);
        await driver.applyHost(hostRequest(n, address(n)));
        await driver.applyPeers(snapshot([peer(1, address(1)), peer(2, address(2))]));
        expect((await driver.status()).failures).toEqual([]);
      }
      const [h1, h2] = [testbed.host('h1'), testbed.host('h2')];
      const left = await h1.attachCni('dcos', { chain: cniChain(h1, 1, 4) });
      const right = await h2.attachCni('dcos', { chain: cniChain(h2, 2, 4) });
      const left6 = await h1.attachCni('dcos6', { chain: cniChain(h1, 1, 6) });
      await Promise.all([right.serveEcho(), h2.serveEcho()]);
      const exact = { packetBytes: 1420, dontFragment: true };
      expect(await left.ping(right.ipv4 ?? '', exact)).toMatchObject({ ok: true });
      expect(await left6.tcp(address(2))).toMatchObject({ ok: true, seenAs: 'fd01:a::2' });
      expect(await h1.tcp(right.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: '44.128.0.2' });
    } finally {
      for (const driver of drivers) driver.close();
    }
  });
});
