import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { IpamServiceService, NetworkServiceService } from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';
import { type Host, Testbed } from '@overlay/testbed';
import { waitUntil, waitUntilNo } from './wait-until.js';

jest.setTimeout(120_000);

const NETWORKS = ['dcos', 'dcos6'];
const WEB = {
  name: 'web',
  subnet: '10.88.0.0/16',
  prefix: 24,
  subnet6: 'fd01:88::/64',
  prefix6: 80,
  disabled: false,
  isolated: true,
};
/** Everything by which the network could be recognised: its devices, both address spaces, its name in files. */
const MARKS = /\b[md]-web\b|\b10\.88\.|fd01:88:|\bweb\b/;
const LISTS = [
  ['ip', '-o', '-d', 'link', 'show'],
  ['ip', '-o', 'address', 'show'],
  ['ip', '-4', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['ip', '-4', 'rule', 'show'],
  ['ip', '-6', 'rule', 'show'],
  ['ip', 'neigh', 'show'],
  ['nft', 'list', 'ruleset'],
  ['iptables-save'],
  ['ip6tables-save'],
  ['find', '/proc/sys/net/ipv4/conf', '/proc/sys/net/ipv6/conf', '-maxdepth', '1'],
];

describe('deleting a network', () => {
  let testbed: Testbed;
  const host = (label: string): Host => testbed.host(label);

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 3, label: 'network-removal' });
    await testbed.start();
    await testbed.waitSettled(NETWORKS);
  });

  afterAll(async () => {
    await testbed?.close();
  });

  async function withNetworks<T>(use: (client: ReturnType<typeof connect>) => Promise<T>): Promise<T> {
    const client = connect();
    try {
      return await use(client);
    } finally {
      client.close();
    }
  }
  const connect = () =>
    createRpcClient(NetworkServiceService, { target: testbed.master.grpcAddress, timeoutMs: 20_000 });

  /** What a host has of the network: kernel entries, files for runtimes, pools. */
  async function tracesOn(on: Host): Promise<readonly string[]> {
    const outputs = await Promise.all(LISTS.map((argv) => on.exec(argv)));
    const lines = outputs.flatMap(({ stdout }) => stdout.split('\n')).filter((line) => MARKS.test(line));
    const files = [on.paths.cniDir, on.paths.cniConflistDir].flatMap((folder) => readdirSync(folder));
    return [...lines, ...files.filter((file) => MARKS.test(file)), ...(await poolsOn(on))];
  }

  /** The pools of the network that ipam has; none can be seen while it does not run. */
  async function poolsOn(on: Host): Promise<readonly string[]> {
    if (!on.ipam.running) return [];
    const client = createRpcClient(IpamServiceService, { target: `unix:${on.paths.ipamSocket}` });
    try {
      const { capacities } = await client.getCapacity({ network: '' });
      return capacities.filter(({ network }) => network === WEB.name).map(() => 'a pool of ipam');
    } finally {
      client.close();
    }
  }

  const expectNoTraces = (on: Host) =>
    waitUntilNo(async () => {
      const traces = await tracesOn(on);
      return traces.length === 0 ? undefined : `${on.label} still has ${traces.join('; ')}`;
    }, 60_000);

  const namesAtMaster = async () =>
    withNetworks(async (client) =>
      (await client.listNetworks({ pageSize: 0, pageToken: '' })).networks.map(({ spec }) => spec?.name),
    );

  /** Makes the network, and proves on every host that it works and that its traces are seen. */
  async function create(): Promise<void> {
    await withNetworks((client) => client.createNetwork({ spec: WEB }));
    await testbed.waitSettled([...NETWORKS, WEB.name]);
    const containers = [];
    for (const each of testbed.hosts) containers.push(await each.attachCni(WEB.name));
    const [first, ...others] = containers;
    for (const other of others)
      await waitUntil(
        `${first?.label} reaches ${other.label}`,
        async () => (await first?.ping(other.ipv4 ?? ''))?.ok ?? false,
      );
    for (const each of containers) await each.remove();
    for (const each of testbed.hosts)
      expect(await tracesOn(each)).toEqual(
        expect.arrayContaining([
          'a pool of ipam',
          '99-overlay-web.conflist',
          expect.stringContaining('m-web'),
          expect.stringMatching(/^10\.88\.\d+\.0\/24 nhid/),
          expect.stringMatching(/^30042:\s+from fd01:88::\/64 lookup 42/),
        ]),
      );
  }

  /** Deletes it and waits until the hosts that are there have nothing of it. */
  async function deleteOn(...hosts: readonly Host[]): Promise<void> {
    await withNetworks((client) => client.deleteNetwork({ name: WEB.name, force: true }));
    for (const each of hosts) await expectNoTraces(each);
  }

  const expectGoneEverywhere = async () => {
    for (const each of testbed.hosts) await expectNoTraces(each);
    await waitUntil('the master forgot it', async () => !(await namesAtMaster()).includes(WEB.name));
    await testbed.waitSettled(NETWORKS);
  };

  it('leaves nothing of it on any host', async () => {
    await create();
    await deleteOn(...testbed.hosts);
    await expectGoneEverywhere();
  });

  it('leaves nothing on a host that was cut off meanwhile, once it is back', async () => {
    await create();
    const away = host('h3');
    await testbed.partition(away);
    await deleteOn(host('h1'), host('h2'));
    // It cannot know, and goes on; the master keeps the network until everybody has let go of it.
    expect((await tracesOn(away)).length).toBeGreaterThan(0);
    expect(await namesAtMaster()).toContain(WEB.name);
    await testbed.heal(away);
    await expectGoneEverywhere();
  });

  it('leaves nothing on a host whose processes were down meanwhile, once they run again', async () => {
    await create();
    const down = host('h3');
    await down.kill();
    await deleteOn(host('h1'), host('h2'));
    expect((await tracesOn(down)).length).toBeGreaterThan(0);
    await down.start();
    await expectGoneEverywhere();
  });
});
