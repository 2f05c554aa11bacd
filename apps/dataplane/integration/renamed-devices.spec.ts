import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Host, Testbed } from '@overlay/testbed';
import { processRunner } from '../src/kernel/iproute/command-runner.js';
import { hostRequest, snapshot, threePeers } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';
import { dumpKernel } from './dump-kernel.js';

jest.setTimeout(60_000);

/** The dump in an order of its own, without what a bridge learns; devices keep their numbers. */
async function stateOf(host: Host): Promise<string> {
  const lines = (await dumpKernel(host)).split('\n').filter((line) => !/ dev veth.* master /.test(line));
  return lines.sort().join('\n');
}

describe('devices of ours that somebody renames or takes away', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  let healthy: string;
  const outside = processRunner();
  const elsewhere = `ov${process.pid}-elsewhere`;

  const describeHost = async () => {
    await driver.applyHost(hostRequest(1, host.address.ipv4));
    await driver.applyPeers(snapshot(threePeers(host.address.ipv4)));
    expect((await driver.status()).failures).toEqual([]);
  };
  const until = async (what: () => Promise<boolean>) => {
    const startedMs = performance.now();
    while (!(await what()) && performance.now() - startedMs < 10_000)
      await new Promise((resolve) => setTimeout(resolve, 30));
  };
  const links = () => host.execOrFail(['ip', '-o', 'link', 'show']);

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1, host: { dataplane: { vxlan_checksum_offload: 'on' } } });
    host = testbed.host('h1');
    await host.dataplane.start();
    driver = new DataplaneDriver(host);
    await describeHost();
    // A container's end of a pair, as a CNI plugin plugs it in.
    await host.ip('link add veth5a1c0f32 up mtu 1420 type veth peer name other', 'link set other up');
    await host.ip('link set veth5a1c0f32 master m-dcos');
    await until(async () => {
      const { objects } = await driver.status();
      return objects.some(({ kind, present }) => kind === 'port' && present === 1n);
    });
    healthy = await stateOf(host);
  });

  afterAll(async () => {
    driver?.close();
    await outside.run('ip', ['netns', 'del', elsewhere], '', 5_000);
    await testbed?.close();
  });

  it.each([['m-dcos'], ['m-dcos6'], ['vtep1024'], ['vtep1024', 'alias mine']])(
    'gives %s its name back, with all that is on it',
    async (name, ...others) => {
      await host.ip(...others.map((other) => `link set ${name} ${other}`), `link set ${name} name strange`);
      await until(async () => (await stateOf(host)) === healthy);
      expect(await stateOf(host)).toBe(healthy);
      const status = await driver.status();
      expect(status.failures).toEqual([]);
      expect(status.objects.filter(({ desired, present }) => desired !== present)).toEqual([]);
    },
  );

  it('says so while the tunnel is in another network namespace, and makes a new one when that is gone', async () => {
    await outside.run('ip', ['netns', 'add', elsewhere], '', 5_000);
    await host.ip(`link set vtep1024 netns ${elsewhere}`);
    const error = async () =>
      (await driver.status()).failures.find(({ kind }) => kind === 'link')?.error ?? '';
    await until(async () => (await error()) !== '');
    expect(await error()).toMatch(
      /VXLAN device with the specified VNI already exists.*another network namespace/,
    );
    await outside.run('ip', ['netns', 'del', elsewhere], '', 5_000);
    await until(async () => (await driver.status()).failures.length === 0);
    expect((await driver.status()).failures).toEqual([]);
    expect(await links()).toContain('vtep1024');
  });

  it('removes what was renamed while it did not run, and a second bridge with its mark', async () => {
    await host.dataplane.stop();
    await host.ip('link set m-dcos name strange', 'link set vtep1024 name stranger');
    await host.ip('link add copy type bridge', 'link set copy alias overlay:net-dcos');
    await host.dataplane.start();
    const found = (await driver.purge(true)).leftovers.join('\n');
    for (const name of ['vtep1024', 'strange', 'copy']) expect(found).toContain(name);
    expect(await driver.purge()).toMatchObject({ leftovers: [] });
    expect(await links()).not.toMatch(/strange|copy|vtep1024|m-dcos/);
    await describeHost();
    await host.ip('link set m-dcos name strange');
    await driver.removeNetwork('net-dcos');
    expect(await links()).not.toMatch(/strange|m-dcos:/);
  });
});
