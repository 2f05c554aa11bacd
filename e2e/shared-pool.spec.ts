import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Allocation, IpamServiceService } from '@overlay/contracts';
import { createRpcClient, type RpcClient } from '@overlay/rpc';
import { type Container, envOfOtherBoot, type Host, Testbed } from '@overlay/testbed';
import { waitUntil } from './wait-until.js';

jest.setTimeout(180_000);

const NETWORK = 'both';
const OVERLAY = { name: NETWORK, subnet: '9.0.0.0/16', prefix: 27, subnet6: 'fd01:c::/64', prefix6: 80 };

describe('CNI and Docker in one shared block', () => {
  let testbed: Testbed;
  let host: Host;
  let peer: Host;

  beforeAll(async () => {
    testbed = await Testbed.create({
      hosts: 2,
      label: 'shared-pool',
      master: { network: { vtep_subnet: '44.128.0.0/20', vtep_subnet6: 'fd01:a::/64', overlays: [OVERLAY] } },
    });
    host = testbed.host('h1');
    peer = testbed.host('h2');
    host.agent.configure({ pool: 'shared' });
    await host.startDocker();
    await testbed.start();
    await testbed.waitSettled([NETWORK], 60_000);
    await host.waitDockerNetwork(NETWORK);
  });
  afterAll(() => testbed?.close());

  function ipamMetrics(): Promise<string> {
    return host.execOrFail(['curl', '--silent', '--max-time', '5', 'http://127.0.0.1:5062/metrics']);
  }

  /** IPv4 addresses that overlay-ipam counts as used. */
  async function usedAndTotal(): Promise<readonly [number, number]> {
    const text = await ipamMetrics();
    const value = (state: string) => {
      const line = text
        .split('\n')
        .find(
          (row) =>
            row.startsWith('overlay_ipam_addresses{') &&
            row.includes('family="4"') &&
            row.includes(`state="${state}"`),
        );
      return Number(line?.split(' ').at(-1));
    };
    return [value('used'), value('total')];
  }

  /** How often Docker gave an address back since overlay-ipam started. */
  async function dockerReleases(): Promise<number> {
    const rows = (await ipamMetrics()).split('\n').filter((row) => {
      return (
        row.startsWith('overlay_ipam_operations_total{') &&
        row.includes('operation="release"') &&
        row.includes('caller="docker"')
      );
    });
    return Number(rows[0]?.split(' ').at(-1) ?? 0);
  }

  async function askIpam<T>(ask: (client: RpcClient<typeof IpamServiceService>) => Promise<T>): Promise<T> {
    const client = createRpcClient(IpamServiceService, { target: `unix:${host.paths.ipamSocket}` });
    try {
      return await ask(client);
    } finally {
      client.close();
    }
  }

  function allocations(): Promise<readonly Allocation[]> {
    return askIpam(async (client) => {
      return (await client.listAllocations({ network: NETWORK, pageSize: 1000, pageToken: '' })).allocations;
    });
  }

  /** Ids of the containers that hold an address. */
  async function holdersOf(ip: string): Promise<readonly (string | undefined)[]> {
    const holds = ({ addresses }: Allocation) =>
      addresses.some(({ address }) => address.split('/')[0] === ip);
    return (await allocations()).filter(holds).map(({ owner }) => owner?.containerId);
  }

  async function expectReached(from: Container, to: Container): Promise<void> {
    for (const ip of [to.ipv4, to.ipv6]) expect(await from.ping(ip ?? '')).toMatchObject({ ok: true });
  }

  it('puts both on one bridge with the whole block, and every address has one holder', async () => {
    expect(await host.overlay(NETWORK)).toMatchObject({
      mesos_bridge: { name: `o-${NETWORK}` },
      docker_bridge: { name: `o-${NETWORK}` },
    });
    const mixed = await Promise.all(
      Array.from({ length: 6 }, (_, number) =>
        number % 2 === 0 ? host.attachCni(NETWORK) : host.runDocker(NETWORK),
      ),
    );
    const remote = await peer.attachCni(NETWORK);
    expect(new Set(mixed.map(({ ipv4 }) => ipv4)).size).toBe(6);
    expect(new Set(mixed.map(({ ipv6 }) => ipv6)).size).toBe(6);
    expect(await usedAndTotal()).toEqual([6, 29]);
    const [cni, docker, other] = mixed;
    if (cni === undefined || docker === undefined || other === undefined) throw new Error('six were started');
    await expectReached(cni, docker);
    await expectReached(docker, other);
    await expectReached(docker, remote);
    await expectReached(remote, docker);
    for (const container of [...mixed, remote]) await container.remove();
    await waitUntil('every address is back', async () => (await usedAndTotal())[0] === 0);
  });

  it('loses and doubles nothing when overlay-ipam and dockerd are killed', async () => {
    const cni = await host.attachCni(NETWORK);
    const docker = await host.runDocker(NETWORK);
    await host.ipam.kill();
    await host.ipam.start();
    await host.docker.restart();
    const later = await host.runDocker(NETWORK);
    expect(new Set([cni.ipv4, docker.ipv4, later.ipv4]).size).toBe(3);
    await later.remove();
    await docker.remove().catch(() => undefined);
    await cni.remove();
    await waitUntil('every address is back', async () => (await usedAndTotal())[0] === 0);
  });

  /** Starts a killed dockerd, which gives back the address of a container that it finds ended. @returns its new log. */
  async function startDockerAnew(): Promise<string> {
    await host.docker.kill();
    const before = host.docker.daemon.log().length;
    await host.startDocker();
    return host.docker.daemon.log().slice(before);
  }

  it.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['up', async () => undefined, async () => undefined],
    ['down', () => host.ipam.kill(), () => host.ipam.start()],
    ['stopped', async () => host.ipam.pause(), async () => host.ipam.resume()],
  ])('lets dockerd start at once while overlay-ipam is %s', async (_state, end, mend) => {
    const cni = await host.attachCni(NETWORK);
    const first = await host.runDocker(NETWORK);
    const second = await host.runDocker(NETWORK);
    await end();
    try {
      expect(await startDockerAnew()).not.toContain('Unable to connect to plugin');
      expect((await host.docker.docker('network', 'inspect', NETWORK)).exitCode).toBe(0);
    } finally {
      await mend();
    }
    await host.ipam.waitReady();
    const ids = [first.runtimeId ?? '', second.runtimeId ?? ''];
    await waitUntil('the containers start again', async () => {
      return (await host.docker.docker('start', ...ids)).exitCode === 0;
    });
    const again = await Promise.all(ids.map((id) => host.docker.inspect(id, NETWORK)));
    const addresses = again.flatMap((container) => container.addresses.map(({ address }) => address));
    expect(new Set([...cni.addresses.map(({ address }) => address), ...addresses]).size).toBe(6);
    expect(await usedAndTotal()).toEqual([3, 29]);
    for (const container of [first, second, cni]) await container.remove();
    await waitUntil('every address is back', async () => (await usedAndTotal())[0] === 0);
  });

  it('says what is down when a container wants an address, within what Docker would try for', async () => {
    for (const [end, mend] of [
      [() => host.ipam.kill(), () => host.ipam.start()],
      [async () => host.ipam.pause(), async () => host.ipam.resume()],
    ] as const) {
      await end();
      try {
        await expect(host.runDocker(NETWORK)).rejects.toThrow(/overlay-docker-ipam: overlay-ipam/);
      } finally {
        await mend();
      }
      await host.ipam.waitReady();
      await waitUntil('no address is held', async () => (await usedAndTotal())[0] === 0);
    }
  });

  it("answers Docker again when the plugin's socket was removed, or its process killed", async () => {
    rmSync(join(host.paths.dockerPluginsDir, 'overlay.sock'));
    await host.dockerIpam.waitReady();
    const left = await host.runDocker(NETWORK);
    await host.dockerIpam.restart();
    const right = await host.runDocker(NETWORK);
    expect(right.ipv4).not.toBe(left.ipv4);
    for (const container of [left, right]) await container.remove();
    await waitUntil('every address is back', async () => (await usedAndTotal())[0] === 0);
  });

  it('takes stale releases after a power cut for what they are', async () => {
    const before = await host.runDocker(NETWORK);
    await Promise.all([host.dockerIpam.kill(), host.ipam.kill()]);
    await host.docker.powerOff();
    await Promise.all([host.dockerIpam.start(), host.ipam.start({ env: envOfOtherBoot(host.paths.folder) })]);
    await host.ipam.waitReady();
    // The plugin bridge refuses arguments that it does not know.
    const args = `IgnoreUnknown=1;IP=${before.ipv4},${before.ipv6}`;
    const cni = await host.attachCni(NETWORK, { args });
    expect([cni.ipv4, cni.ipv6]).toEqual([before.ipv4, before.ipv6]);
    const released = await dockerReleases();
    await host.startDocker();
    await waitUntil('Docker gave back what it had', async () => (await dockerReleases()) > released);
    const after = await host.runDocker(NETWORK);
    for (const ip of [cni.ipv4 ?? '', cni.ipv6 ?? '']) expect(await holdersOf(ip)).toEqual([cni.namespace]);
    expect(after.ipv4).not.toBe(cni.ipv4);
    expect(after.ipv6).not.toBe(cni.ipv6);
    await after.remove();
    await cni.remove();
  });
});
