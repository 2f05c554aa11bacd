import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Host, Testbed } from '@overlay/testbed';
import { hostRequest, peer, snapshot, threePeers } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';
import { stateOf } from './state-of-host.js';

jest.setTimeout(60_000);

describe('a host with routes of other programs to the same prefixes', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  let healthy: string;

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1, host: { dataplane: { vxlan_checksum_offload: 'on' } } });
    host = testbed.host('h1');
    await host.dataplane.start();
    driver = new DataplaneDriver(host);
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    await driver.applyPeers(snapshot(threePeers(host.address.ipv4)));
    await host.ip('link add other type bridge', 'link set other up', 'addr add 192.0.2.1/24 dev other');
    expect((await driver.status()).failures).toEqual([]);
    healthy = await stateOf(host);
  });

  afterAll(async () => {
    driver?.close();
    await testbed?.close();
  });

  it('leaves the route of another program in the way alone, says so, and comes back when it goes', async () => {
    await host.ip('route replace 9.0.2.0/24 dev other');
    const failures = async () => (await driver.status()).failures.map(({ error }) => error);
    while ((await failures()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await failures()).toEqual([expect.stringContaining('File exists')]);
    expect(await host.execOrFail(['ip', 'route', 'show', '9.0.2.0/24'])).toContain('dev other');
    await host.ip('route del 9.0.2.0/24 dev other');
    while ((await failures()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await stateOf(host)).toBe(healthy);
  });

  it('leaves the routes of other programs in front of ours alone, and names them as long as they are there', async () => {
    const foreign = [
      'prepend blackhole 9.0.2.0/24 proto static',
      'add prohibit 9.0.3.0/24 tos 4 proto static',
      'add 9.0.3.64/26 dev other proto static',
      'add unreachable fd01:b:0:0:2::/80 metric 7 proto static',
      'add blackhole fd01:b:0:0:3::/80 metric 4000 proto static',
    ];
    await host.ip(...foreign.map((words) => `route ${words}`));
    const list = async () =>
      [
        await host.execOrFail(['ip', '-4', 'route', 'show', 'proto', 'static']),
        await host.execOrFail(['ip', '-6', 'route', 'show', 'proto', 'static']),
      ].join('');
    const theirs = await list();
    // The second peer has the block of the third from now on and the other way round.
    const swapped = [
      { ...peer(2, '198.51.100.2'), prefixes: peer(3, '').prefixes },
      { ...peer(3, '198.51.100.3'), prefixes: peer(2, '').prefixes },
    ];
    await driver.applyPeers(snapshot([peer(1, host.address.ipv4), ...swapped], 2n));
    expect(await host.execOrFail(['ip', 'route', 'show', '9.0.2.0/24'])).toContain('nhid 1333788676');
    expect(await host.execOrFail(['ip', '-6', 'route', 'show', 'fd01:b:0:0:2::/80'])).toContain(
      'nhid 1870659588',
    );
    expect(await list()).toBe(theirs);
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    const warning = async () => (await driver.status()).warnings.join('\n');
    for (const text of [
      'blackhole 9.0.2.0/24',
      'prohibit 9.0.3.0/24 tos',
      '9.0.3.64/26',
      'unreachable fd01:b:0:0:2::/80',
    ])
      expect(await warning()).toContain(text);
    expect(await warning()).not.toContain('fd01:b:0:0:3::/80');
    await driver.applyPeers(snapshot(threePeers(host.address.ipv4), 3n));
    expect(await list()).toBe(theirs);
    await host.ip(
      'route del 9.0.3.64/26',
      'route del 9.0.3.0/24 tos 4 proto static',
      'route del blackhole 9.0.2.0/24 proto static',
      'route del unreachable fd01:b:0:0:2::/80 metric 7',
      'route del blackhole fd01:b:0:0:3::/80 metric 4000',
    );
    while ((await warning()) !== '') await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await stateOf(host)).toBe(healthy);
  });

  it('names the route that another program puts in front of ours at once', async () => {
    const warning = async () => (await driver.status()).warnings.join('\n');
    await host.ip('route prepend prohibit 9.0.2.0/24');
    while ((await warning()) === '') await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await warning()).toContain('prohibit 9.0.2.0/24;');
    expect((await driver.status()).failures).toEqual([]);
    await host.ip('route del prohibit 9.0.2.0/24');
    while ((await warning()) !== '') await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await stateOf(host)).toBe(healthy);
  });
});
