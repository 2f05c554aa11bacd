import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Host, Testbed } from '@overlay/testbed';
import { hostRequest, peer, snapshot } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';

jest.setTimeout(60_000);

const GATEWAY = 'fd01:b:0:0:1:8000::1';

describe('a bridge that Docker makes for IPv6', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  const settings = async (device: string) => {
    const keys = ['dad_transmits', 'router_solicitation_delay'].map(
      (name) => `net.ipv6.conf.${device}.${name}`,
    );
    return (await host.execOrFail(['sysctl', '-n', ...keys])).trim().split('\n').join(' ');
  };
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1 });
    host = testbed.host('h1');
    await host.dataplane.start();
    driver = new DataplaneDriver(host);
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    await driver.applyPeers(snapshot([peer(1, host.address.ipv4)]));
    // As Docker does, with duplicate address detection on the gateway, which waits for the first container.
    await host.ip(
      'link add d-dcos6 type bridge',
      'link add d-dcos type bridge',
      'link add d-stranger type bridge',
      `addr add ${GATEWAY}/81 dev d-dcos6`,
      'link set d-dcos6 up',
      'link set d-dcos up',
    );
    await until(async () => (await settings('d-dcos6')) === '0 0');
  });

  afterAll(async () => {
    driver?.close();
    await testbed?.close();
  });

  it('has its gateway ready when the first container comes', async () => {
    await host.ip(
      'link add veth7 type veth peer name veth7p',
      'link set veth7p up',
      'link set veth7 master d-dcos6 up',
    );
    // With the kernel's defaults the address is tentative from here on, for up to two seconds.
    await until(async () => {
      const [link] = await host.ipJson<{ operstate: string }>('link', 'show', 'd-dcos6');
      return link?.operstate === 'UP';
    });
    expect(
      await host.execOrFail(['ip', '-6', 'address', 'show', 'dev', 'd-dcos6', 'tentative']),
    ).not.toContain(GATEWAY);
  });

  it('is the only kind whose settings change', async () => {
    expect([await settings('d-dcos'), await settings('d-stranger')]).toEqual(['1 1', '1 1']);
    expect((await driver.status()).failures).toEqual([]);
    expect(await driver.applyHost(hostRequest(1, host.address.ipv4))).toMatchObject({ written: 0n });
  });

  it('has the kernel’s defaults again after the network is removed, and after a purge', async () => {
    await driver.removeNetwork('net-dcos6');
    expect(await settings('d-dcos6')).toBe('1 1');
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    expect(await settings('d-dcos6')).toBe('0 0');
    expect(await driver.purge()).toMatchObject({ leftovers: [] });
    expect(await settings('d-dcos6')).toBe('1 1');
  });
});
