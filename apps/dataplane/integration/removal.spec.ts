import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Host, Testbed } from '@overlay/testbed';
import { hostRequest, peer, snapshot } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';
import { dumpKernel } from './dump-kernel.js';

jest.setTimeout(60_000);

/** What other programs have: some of it looks like ours in all but one mark. */
const FOREIGN = [
  'link add m-other type bridge',
  'link set m-other up alias somebody',
  'link add name vx7 type vxlan id 7 dstport 4789 local 192.0.2.1 nolearning',
  'link set vx7 up',
  'addr add 192.0.2.1/24 dev m-other',
  'nexthop add id 1333788600 dev m-other protocol 142',
  'route add 198.18.0.0/16 dev m-other proto static',
  'route add 9.0.77.0/24 dev m-other metric 500',
  'route add 203.0.113.7 dev m-other table 42',
  'rule add from 192.0.2.0/24 lookup 42 priority 30043',
  'rule add from 192.0.2.0/24 lookup 43 priority 30042',
  'neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev m-other nud permanent',
];

/** The dump in an order of its own, without indexes and what comes as time goes by or with global forwarding. */
async function stateOf(host: Host): Promise<string> {
  const text = await dumpKernel(host);
  return text
    .split('\n')
    .map((line) => line.replace(/^\d+: /, '').trim())
    .filter((line) => !/fe80::|^anycast/.test(line) && line !== '')
    .sort()
    .join('\n');
}

describe('removal', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  let bare: string;
  const describeHost = async () => {
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    const others = [2, 3].map((n) => peer(n, `198.51.100.${n}`));
    await driver.applyPeers(snapshot([peer(1, host.address.ipv4), ...others]));
    expect((await driver.status()).failures).toEqual([]);
  };

  beforeEach(async () => {
    testbed = await Testbed.create({ hosts: 1 });
    host = testbed.host('h1');
    await host.ip(...FOREIGN);
    await host.execOrFail(['nft', 'add', 'table', 'inet', 'overlay_of_others']);
    await host.execOrFail(['nft', 'add', 'table', 'ip', 'overlay']);
    await host.dataplane.start();
    driver = new DataplaneDriver(host);
    bare = await stateOf(host);
  });

  afterEach(async () => {
    driver?.close();
    await testbed?.close();
  });

  it('purges everything of ours, nothing of others, after a restart too, and can start again', async () => {
    await describeHost();
    const full = await stateOf(host);
    const { leftovers } = await driver.purge(true);
    expect(await stateOf(host)).toBe(full);
    expect(leftovers).toEqual(
      expect.arrayContaining([expect.stringContaining('vtep1024'), 'table inet overlay']),
    );
    await host.dataplane.restart();
    const { removed, leftovers: left } = await driver.purge();
    expect({ removed, left }).toEqual({ removed: BigInt(leftovers.length), left: [] });
    // Its own repairs must not bring anything back.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await stateOf(host)).toBe(bare);
    expect(await driver.purge(true)).toMatchObject({ leftovers: [] });
    expect(await driver.status()).toMatchObject({ configured: false });
    expect(await host.execOrFail(['find', '/proc/sys/net/ipv4/conf', '-name', 'm-dcos*'])).toBe('');
    await describeHost();
    expect(await stateOf(host)).toBe(full);
  });

  it('removes one network and leaves the other', async () => {
    await describeHost();
    const { removed } = await driver.removeNetwork('net-dcos');
    expect(removed).toBe(6n);
    const text = await stateOf(host);
    expect(text.replaceAll(/.*9\.0\.77\.0.*/g, '')).not.toMatch(/m-dcos:|[^0-9]9\.0\./);
    expect(text).toMatch(/m-dcos6:/);
    expect(text).toContain('fd01:b:0:0:2::/80 nhid');
    expect(await driver.removeNetwork('net-dcos')).toMatchObject({ removed: 0n });
    await expect(driver.removeNetwork('')).rejects.toMatchObject({ code: 'invalid_argument' });
    await describeHost();
    expect(await stateOf(host)).toMatch(/m-dcos:/);
  });

  it('refuses to remove a network before it knows the host', async () => {
    await expect(driver.removeNetwork('net-dcos')).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(await stateOf(host)).toBe(bare);
  });
});
