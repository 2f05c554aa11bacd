import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { NetworkStatus, type Peer } from '@overlay/contracts';
import { isFailure } from '@overlay/failure';
import { type Host, Testbed } from '@overlay/testbed';
import { hostRequest, peer, snapshot } from './cluster-topology.js';
import { DataplaneDriver } from './dataplane-driver.js';
import { dumpKernel } from './dump-kernel.js';

jest.setTimeout(60_000);

const NOBODYS = '198.51.100.200';

describe('a host that is told what cannot be', () => {
  let testbed: Testbed;
  let host: Host;
  let driver: DataplaneDriver;
  const request = () => hostRequest(1, host.address.ipv4);
  const honest = () => [2, 3].map((n) => peer(n, `198.51.100.${n}`));
  const errors = async () => (await driver.status()).networks.map(({ state }) => state?.error ?? '');
  const until = async (...patterns: readonly RegExp[]) => {
    for (;;) {
      const now = await errors();
      if (patterns.every((pattern, index) => pattern.test(now[index] ?? 'missing'))) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1 });
    host = testbed.host('h1');
    await host.dataplane.start();
    driver = new DataplaneDriver(host);
    await driver.applyHost(request());
    await driver.applyPeers(snapshot(honest()));
  });

  afterAll(async () => {
    driver?.close();
    await testbed?.close();
  });

  it('refuses a description that contradicts itself, names what does, and stays as it is', async () => {
    const before = await dumpKernel(host);
    const good = request();
    const networks = good.assignment?.networks.map((network) => ({
      ...network,
      routedPrefixes: [...network.routedPrefixes, ...(network.subnet === '' ? [] : ['9.0.1.128/26'])],
    }));
    const assignment = good.assignment && { ...good.assignment, networks: networks ?? [] };
    const overlapping = good.networks.map((network) =>
      network.id === 'net-dcos6' && network.spec !== undefined
        ? { ...network, spec: { ...network.spec, subnet: '9.128.0.0/16', prefix: 24 } }
        : network,
    );
    const refusals = [
      await driver.applyHost({ ...good, assignment }).catch((error: unknown) => error),
      await driver.applyHost({ ...good, networks: overlapping }).catch((error: unknown) => error),
    ];
    const said = refusals.map((error) =>
      isFailure(error, 'invalid_argument') ? error.violations.map(({ description }) => description) : [],
    );
    expect(said).toEqual([
      ['9.0.1.128/26 of network dcos overlaps 9.0.1.0/24 of network dcos'],
      ['9.128.0.0/16 of network dcos6 overlaps 9.0.0.0/8 of network dcos'],
    ]);
    expect(await dumpKernel(host)).toBe(before);
    expect(await errors()).toEqual(['', '']);
  });

  it('leaves out whoever claims what is this host’s or another peer’s, and takes everybody else', async () => {
    const before = await dumpKernel(host);
    const claiming = (n: number, claim: Partial<Peer>) => ({ ...peer(n, `198.51.100.${n}`), ...claim });
    const block = (prefix: string) => ({ prefixes: [{ networkId: 'net-dcos', prefix }] });
    const liars = [
      claiming(11, { vtepIp: '44.128.0.2' }),
      claiming(12, block('9.0.1.0/24')),
      claiming(4, { vtepIp: '44.128.0.3' }),
      claiming(5, block('9.0.3.0/24')),
      claiming(6, block('9.0.2.64/26')),
      claiming(7, { ip: '198.51.100.2' }),
    ];
    await driver.applyPeers(snapshot([...liars, ...honest()]));
    const { failures, peers } = await driver.status();
    expect(failures.map(({ kind, object, error }) => `${kind} ${object}: ${error}`).sort()).toEqual([
      "peer node-11: VTEP address 44.128.0.2 is this host's own",
      "peer node-12: prefix 9.0.1.0/24 overlaps this host's own 9.0.1.0/24",
      'peer node-4: VTEP address 44.128.0.3 is claimed by node node-2 too',
      'peer node-5: prefix 9.0.3.0/24 is claimed by node node-3 too',
      'peer node-6: prefix 9.0.2.64/26 overlaps 9.0.2.0/24 of node node-2',
      'peer node-7: underlay address 198.51.100.2 is claimed by node node-2 too',
    ]);
    expect(peers).toBe(8n);
    expect(await dumpKernel(host)).toBe(before);
    expect(await errors()).toEqual(['', '']);
    await driver.applyPeers(snapshot(honest()));
    expect((await driver.status()).failures).toEqual([]);
  });

  it('fails the network whose bridge has the name of another program’s device, and no other', async () => {
    await host.dataplane.kill();
    await host.ip('link del m-dcos', 'link add m-dcos type veth peer name theirs');
    await host.dataplane.start();
    const { networks } = await driver.applyHost(request());
    expect(networks.map(({ state }) => state?.status)).toEqual([NetworkStatus.FAILED, NetworkStatus.OK]);
    expect(await errors()).toEqual([expect.stringMatching(/m-dcos .*belongs to somebody else/), '']);
    await driver.applyPeers(snapshot([...honest(), peer(8, '198.51.100.8')]));
    expect(await host.execOrFail(['ip', 'route', 'show', '9.0.8.0/24'])).toContain('dev vtep1024');
    expect(await host.execOrFail(['ip', 'address', 'show', 'm-dcos'])).not.toContain('9.0.1.1');
    await host.ip('link del m-dcos');
    await until(/^$/, /^$/);
    expect(await host.execOrFail(['ip', 'address', 'show', 'm-dcos'])).toContain('9.0.1.1/25');
  });

  it('fails every network where another program’s device has the name of the VTEP, and leaves it as it is', async () => {
    await host.dataplane.kill();
    await host.ip('link del vtep1024', 'link add vtep1024 type veth peer name theirs');
    await host.dataplane.start();
    await driver.applyHost(request());
    await driver.applyPeers(snapshot(honest()));
    const said = /vtep1024 .*belongs to somebody else/;
    expect(await errors()).toEqual([expect.stringMatching(said), expect.stringMatching(said)]);
    expect(await host.execOrFail(['ip', '-d', 'address', 'show', 'vtep1024'])).toContain('veth');
    expect(await host.execOrFail(['ip', 'address', 'show', 'vtep1024'])).not.toContain('44.128.');
    expect(await host.execOrFail(['ip', 'neigh', 'show', 'dev', 'vtep1024'])).not.toContain('PERMANENT');
    expect(await host.execOrFail(['ip', 'route', 'show', '9.0.2.0/24'])).toBe('');
    await host.ip('link del vtep1024');
    await until(/^$/, /^$/);
    expect(await host.execOrFail(['ip', 'route', 'show', '9.0.2.0/24'])).toContain('dev vtep1024');
  });

  it('says that no interface has the underlay address, configures everything, and recovers with it', async () => {
    const { networks } = await driver.applyHost(hostRequest(1, NOBODYS));
    expect(networks.map(({ state }) => state?.error)).toEqual([
      expect.stringContaining(`no interface has the underlay address ${NOBODYS}`),
      expect.stringContaining(`no interface has the underlay address ${NOBODYS}`),
    ]);
    expect(await dumpKernel(host)).toMatch(/9\.0\.2\.0\/24 nhid \d+ via 44\.128\.0\.3 dev vtep1024/);
    await host.ip(`addr add ${NOBODYS}/32 dev eth0`);
    await until(/^$/, /^$/);
  });
});
