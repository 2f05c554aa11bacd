import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Container, type Host, Testbed } from '@overlay/testbed';
import { hostRequest, peer, snapshot } from './cluster-topology.js';
import { cniChain } from './cni-chain.js';
import { DataplaneDriver } from './dataplane-driver.js';

jest.setTimeout(60_000);

describe('containers whose bridge is deleted', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  let first: Container;
  let second: Container;
  const ports = async () =>
    (await driver.status()).objects.find(({ kind }) => kind === 'port') ?? { desired: 0n, present: 0n };
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1 });
    host = testbed.host('h1');
    await host.dataplane.start();
    driver = new DataplaneDriver(host);
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    await driver.applyPeers(snapshot([peer(1, host.address.ipv4)]));
    first = await host.attachCni('dcos', { chain: cniChain(host, 1, 4) });
    second = await host.attachCni('dcos', { chain: cniChain(host, 1, 4) });
    await Promise.all([first.serveEcho(), second.serveEcho(), host.serveEcho()]);
    await until(async () => (await ports()).present === 2n);
  });

  afterAll(async () => {
    driver?.close();
    await testbed?.close();
  });

  it('reach each other and their host again, with what they know of the gateway still true', async () => {
    const mac = async () => (await host.ipJson<{ address: string }>('link', 'show', 'm-dcos'))[0]?.address;
    const before = await mac();
    await host.ip('link del m-dcos');
    await until(async () => (await host.exec(['ip', 'link', 'show', 'm-dcos'])).exitCode === 0);
    await until(async () => (await first.ping(second.ipv4 ?? '', { timeoutMs: 500 })).ok);
    expect(await first.tcp('9.0.1.1')).toMatchObject({ ok: true });
    expect(await host.tcp(second.ipv4 ?? '')).toMatchObject({ ok: true });
    expect(await mac()).toBe(before);
    await until(async () => (await ports()).present === 2n);
    expect((await driver.status()).failures).toEqual([]);
  });

  it('are left alone where somebody took them off on purpose', async () => {
    const [veth] = await host.ipJson<{ ifname: string }>('link', 'show', 'master', 'm-dcos');
    await host.ip(`link set ${veth?.ifname} nomaster`);
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    expect(await ports()).toMatchObject({ desired: 1n, present: 1n });
    const [after] = await host.ipJson<{ master?: string }>('link', 'show', veth?.ifname ?? '');
    expect(after?.master).toBeUndefined();
  });

  it('are reached over IPv6 when somebody flushed the addresses of their bridge, the link-local one included', async () => {
    const six = await host.attachCni('dcos6', { chain: cniChain(host, 1, 6) });
    await until(async () => (await host.ping(six.ipv6 ?? '', { timeoutMs: 500 })).ok);
    for (const kind of ['addr', 'neigh'])
      await host.execOrFail(['ip', '-6', kind, 'flush', 'dev', 'm-dcos6']);
    await until(async () => /fe80::/.test(await host.execOrFail(['ip', 'addr', 'show', 'm-dcos6'])));
    await until(async () => (await host.ping(six.ipv6 ?? '', { timeoutMs: 500 })).ok);
    expect((await driver.status()).failures).toEqual([]);
  });
});
