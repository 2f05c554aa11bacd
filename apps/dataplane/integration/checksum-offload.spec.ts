import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Host, Testbed } from '@overlay/testbed';
import { hostRequest, peer, snapshot } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';

jest.setTimeout(90_000);

const METRICS = ['curl', '--silent', '--fail', 'http://127.0.0.1:5063/metrics'];

/** What the test of checksum offload found on the host. */
async function standing(host: Host): Promise<string> {
  const { stdout } = await host.exec(METRICS);
  return /checksum_offload_standing\{standing="([^"]+)"[^}]*\} 1/.exec(stdout)?.[1] ?? '';
}

async function isOn(host: Host): Promise<boolean> {
  const { stdout } = await host.exec(['ethtool', '-k', 'vtep1024']);
  return /tx-checksum-ip-generic: on/.test(stdout);
}

/**
 * A way to the peers on which the first packet of each question is lost, so that there is time to follow the setting:
 * all others are lost while offload is on. Nothing passes in the other family.
 */
async function spoilPath(host: Host, family: 'ipv4' | 'ipv6'): Promise<void> {
  const script = `table inet spoil {
    set seen { type inet_service; flags dynamic,timeout; timeout 60s; }
    chain spoilt { tcp dport 64000 drop; }
    chain out {
      type filter hook postrouting priority 0;
      oifname != "vtep1024" accept
      tcp dport != 64000 accept
      meta nfproto != ${family} drop
      tcp sport != @seen add @seen { tcp sport } drop
      jump spoilt
    }
  }`;
  await host.execOrFail(['nft', script]);
}

/** Keeps the path as spoilt as the setting of offload makes it, until the test is over. */
async function followSetting(host: Host): Promise<void> {
  let before = true;
  while (['', 'untried'].includes(await standing(host))) {
    const now = await isOn(host);
    if (now !== before)
      await host.execOrFail([
        'nft',
        now ? 'add rule inet spoil spoilt drop' : 'flush chain inet spoil spoilt',
      ]);
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('the test of checksum offload', () => {
  let testbed: Testbed;
  let drivers: DataplaneDriver[] = [];
  const host = (n: number) => testbed.host(`h${n}`);
  const meet = (n: number, others: readonly number[]) => {
    const peers = others.map((other) => peer(other, host(other).address.ipv4));
    return drivers[n - 1]?.applyPeers(snapshot(peers));
  };

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 3 });
    await spoilPath(host(1), 'ipv4');
    await spoilPath(host(2), 'ipv6');
    await Promise.all(testbed.hosts.map(({ dataplane }) => dataplane.start()));
    drivers = testbed.hosts.map((each) => new DataplaneDriver(each));
    for (const n of [1, 2, 3]) await drivers[n - 1]?.applyHost(hostRequest(n, host(n).address.ipv4));
    await Promise.all([meet(1, [2, 3]), meet(2, [1, 3]), meet(3, [1, 2])]);
    await Promise.all([followSetting(host(1)), followSetting(host(2))]);
    while (['', 'untried'].includes(await standing(host(3)))) await new Promise((r) => setTimeout(r, 100));
  });

  afterAll(async () => {
    for (const driver of drivers) driver.close();
    await testbed?.close();
  });

  it('leaves offload on where a peer answers', async () => {
    expect([await standing(host(3)), await isOn(host(3))]).toEqual(['works', true]);
    expect((await drivers[2]?.status())?.warnings).toEqual([]);
  });

  it.each([
    [1, 'IPv4'],
    [2, 'IPv6'],
  ])('switches it off where packets with it get lost, found on host %i over %s alone', async (n) => {
    expect([await standing(host(n)), await isOn(host(n))]).toEqual(['spoils', false]);
    expect((await drivers[n - 1]?.status())?.warnings).toEqual([expect.stringContaining('spoils checksums')]);
  });

  it('keeps it off over a restart, without another test', async () => {
    await host(1).dataplane.kill();
    await host(1).dataplane.start();
    await drivers[0]?.applyHost(hostRequest(1, host(1).address.ipv4));
    await meet(1, [2, 3]);
    while ((await standing(host(1))) === 'untried') {
      expect(await isOn(host(1))).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect([await standing(host(1)), await isOn(host(1))]).toEqual(['found-off', false]);
  });
});
