import { describe, expect, it } from '@jest/globals';
import { AllocationHalf, NetworkPhase } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { agentConfiguration } from '@overlay/model';
import type { CniPluginFolders } from '../cni/cni-plugin-folders.js';
import { FakeCniDirectory } from '../cni/fake-cni-directory.js';
import { FakeDataplane } from '../daemons/fake-dataplane.js';
import { FakeIpam } from '../daemons/fake-ipam.js';
import { configurePass, FIRST_PASS, type PassMemory } from './configure-pass.js';
import { exampleNetwork, exampleRegistration } from './example-registration.js';

const { signal } = new AbortController();
const nothing: PassMemory = { pools: new Set(), open: new Set() };

function host(networkConfig: Readonly<Record<string, unknown>> = {}, plugins?: CniPluginFolders) {
  const config = agentConfiguration.parse({ ip: '10.0.0.1', network_config: networkConfig });
  const ports = {
    dataplane: new FakeDataplane(),
    ipam: new FakeIpam(),
    mesosFiles: new FakeCniDirectory('mesos'),
    conflists: new FakeCniDirectory('conflist'),
    ...(plugins === undefined ? {} : { plugins }),
  };
  const pass = (networks = [exampleNetwork('a', 1), exampleNetwork('b', 2)], before = nothing) =>
    configurePass(exampleRegistration(networks), config, ports, before, () => false, signal);
  return { ...ports, pass };
}

describe('configurePass', () => {
  it('configures kernel, pools and CNI files', async () => {
    const { dataplane, ipam, mesosFiles, conflists, pass } = host();
    const { results } = await pass();
    expect([...results.values()]).toStrictEqual([{ kind: 'configured' }, { kind: 'configured' }]);
    expect(dataplane.host).toMatchObject({ configureCniBridges: true, overlayMtu: 1420 });
    expect(ipam.pools).toStrictEqual([
      { networkId: 'id-a', network: 'a', half: AllocationHalf.CNI, subnet: '9.1.0.0/25', subnet6: '' },
      { networkId: 'id-b', network: 'b', half: AllocationHalf.CNI, subnet: '9.2.0.0/25', subnet6: '' },
    ]);
    expect([...mesosFiles.files.keys()]).toStrictEqual(['a.conf', 'b.conf']);
    expect([...conflists.files.keys()]).toStrictEqual(['99-overlay-a.conflist', '99-overlay-b.conflist']);
  });

  it('puts the files for Mesos behind its port mapper when that comes', async () => {
    const plugins = new Set<string>();
    const { mesosFiles, conflists, pass } = host({}, { has: (name) => Promise.resolve(plugins.has(name)) });
    await pass();
    expect(mesosFiles.files.get('a.conf')).not.toContain('delegate');
    plugins.add('mesos-cni-port-mapper');
    await pass();
    expect(JSON.parse(mesosFiles.files.get('a.conf') ?? '')).toMatchObject({
      type: 'mesos-cni-port-mapper',
      delegate: { type: 'bridge', ipam: { type: 'overlay-ipam' } },
    });
    expect(conflists.changes).toBe(2);
  });

  it('writes no file the second time, and removes those of a network that is gone', async () => {
    const { mesosFiles, pass } = host();
    await pass();
    await pass();
    expect(mesosFiles.changes).toBe(2);
    const { removedFiles } = await pass([exampleNetwork('b', 2)]);
    expect([...mesosFiles.files.keys()]).toStrictEqual(['b.conf']);
    expect(removedFiles).toStrictEqual(['/fake/cni/a.conf', '/fake/cni/99-overlay-a.conflist']);
  });

  it("leaves others' files that use our IPAM plugin, and fails a network whose file they changed", async () => {
    const { conflists, pass } = host();
    await pass();
    const list = JSON.parse(conflists.files.get('99-overlay-a.conflist') ?? '');
    const mine = JSON.stringify({ ...list, plugins: [...list.plugins, { type: 'bandwidth' }] });
    conflists.files.set('10-mine.conflist', mine).set('99-overlay-a.conflist', mine);
    const { results, removedFiles } = await pass();
    expect(removedFiles).toStrictEqual([]);
    expect(results.get('id-a')).toMatchObject({ kind: 'error' });
    expect(conflists.files.get('10-mine.conflist')).toBe(mine);
    expect(conflists.files.get('99-overlay-a.conflist')).toBe(mine);
  });

  it('waits for the dataplane without touching anything else', async () => {
    const { dataplane, ipam, mesosFiles, pass } = host();
    dataplane.trouble = new OverlayError('unavailable', 'connection refused');
    const { results, dataplaneAway } = await pass();
    expect(dataplaneAway).toContain('/fake/dataplane.sock');
    expect(results.get('id-a')).toMatchObject({ kind: 'waiting' });
    expect([ipam.accepted.length, mesosFiles.changes]).toStrictEqual([0, 0]);
  });

  it('counts a refusal of the dataplane as an error of every network', async () => {
    const { dataplane, pass } = host();
    dataplane.trouble = new OverlayError('invalid_argument', 'no VTEP');
    const { results } = await pass();
    expect(results.get('id-a')).toStrictEqual({ kind: 'error', error: 'no VTEP' });
  });

  it('waits for overlay-ipam and keeps the files that are there', async () => {
    const { ipam, mesosFiles, pass } = host();
    await pass();
    ipam.away = true;
    const { results, ipamAway } = await pass();
    expect(ipamAway).toContain('/fake/ipam.sock');
    expect(results.get('id-b')).toMatchObject({ kind: 'waiting' });
    expect(mesosFiles.files.size).toBe(2);
  });

  it('goes on with the others when the dataplane fails one network', async () => {
    const { dataplane, ipam, mesosFiles, pass } = host();
    dataplane.failing.set('a', 'no such device');
    const { results } = await pass();
    expect(results.get('id-a')).toStrictEqual({ kind: 'error', error: 'no such device' });
    expect(results.get('id-b')).toStrictEqual({ kind: 'configured' });
    expect(ipam.pools.map(({ network }) => network)).toStrictEqual(['b']);
    expect([...mesosFiles.files.keys()]).toStrictEqual(['b.conf']);
  });

  it('takes the file of a network that became isolated away', async () => {
    const { dataplane, ipam, mesosFiles, pass } = host();
    const before = await pass();
    dataplane.failing.set('a', 'isolation is not enforced');
    const { results } = await pass([exampleNetwork('a', 1, true), exampleNetwork('b', 2)], before);
    expect(results.get('id-a')).toMatchObject({ kind: 'hopeless' });
    expect(ipam.pools.map(({ network }) => network)).toStrictEqual(['b']);
    expect([...mesosFiles.files.keys()]).toStrictEqual(['b.conf']);
  });

  describe('while no description of the host is taken', () => {
    const closed = [exampleNetwork('a', 1, true), exampleNetwork('b', 2)];
    const unreadable = new OverlayError('unavailable', 'nft: Operation not permitted');

    it('closes a network that became isolated to what would start in it, and leaves the others', async () => {
      const { dataplane, ipam, mesosFiles, conflists, pass } = host();
      const before = await pass();
      dataplane.trouble = unreadable;
      const failed = await pass(closed, before);
      expect(failed.results.get('id-a')).toEqual({
        kind: 'hopeless',
        error: expect.stringMatching(/isolation is not enforced: .*nft: Operation not permitted/),
      });
      expect(failed.results.get('id-b')).toMatchObject({ kind: 'waiting' });
      expect(failed.dataplaneAway).toContain('nft: Operation not permitted');
      expect(ipam.pools.map(({ network }) => network)).toEqual(['b']);
      expect([...mesosFiles.files.keys()]).toEqual(['b.conf']);
      expect([...conflists.files.keys()]).toEqual(['99-overlay-b.conflist']);
      expect((await pass(closed, failed)).results.get('id-a')).toMatchObject({ kind: 'hopeless' });
      dataplane.trouble = undefined;
      expect((await pass(closed, failed)).results.get('id-a')).toEqual({ kind: 'configured' });
      expect([...mesosFiles.files.keys()]).toEqual(['b.conf', 'a.conf']);
    });

    it('does so too where it is refused', async () => {
      const { dataplane, mesosFiles, pass } = host();
      const before = await pass();
      dataplane.trouble = new OverlayError('invalid_argument', 'no VTEP');
      const { results } = await pass(closed, before);
      expect(results.get('id-a')).toMatchObject({ kind: 'hopeless' });
      expect(results.get('id-b')).toMatchObject({ kind: 'error' });
      expect([...mesosFiles.files.keys()]).toEqual(['b.conf']);
    });

    it('counts a network as open that the process before may have left so', async () => {
      const { dataplane, mesosFiles, pass } = host();
      await pass();
      dataplane.trouble = unreadable;
      const restarted = await pass(undefined, FIRST_PASS);
      expect(restarted.results.get('id-a')).toMatchObject({ kind: 'waiting' });
      expect((await pass(closed, restarted)).results.get('id-a')).toMatchObject({ kind: 'hopeless' });
      expect([...mesosFiles.files.keys()]).toEqual(['b.conf']);
    });

    it('waits for the dataplane where isolation is enforced, and leaves everything', async () => {
      const { dataplane, ipam, mesosFiles, pass } = host();
      const before = await pass(closed, await pass());
      dataplane.trouble = unreadable;
      const sets = ipam.accepted.length;
      for (const memory of [before, FIRST_PASS])
        expect((await pass(closed, memory)).results.get('id-a')).toMatchObject({ kind: 'waiting' });
      expect([ipam.accepted.length, mesosFiles.files.size]).toEqual([sets, 2]);
    });

    it('waits for the dataplane with a network that is new', async () => {
      const { dataplane, pass } = host();
      dataplane.trouble = unreadable;
      const { results, open } = await pass([exampleNetwork('a', 1, true)], FIRST_PASS);
      expect(results.get('id-a')).toMatchObject({ kind: 'waiting' });
      expect(open.size).toBe(0);
    });

    it('still fails an isolated network that the dataplane had failed', async () => {
      const { dataplane, pass } = host();
      dataplane.failing.set('a', 'nftables: No such file');
      const before = await pass(closed);
      dataplane.trouble = unreadable;
      expect((await pass(closed, before)).results.get('id-a')).toMatchObject({ kind: 'hopeless' });
    });
  });

  it('goes on with the others when overlay-ipam refuses one pool, never dropping theirs', async () => {
    const { ipam, pass } = host();
    const before = await pass([exampleNetwork('b', 2)]);
    ipam.refusedNetworks.add('a');
    const { results } = await pass(undefined, before);
    expect(results.get('id-a')).toStrictEqual({ kind: 'error', error: 'pool a is refused' });
    expect(results.get('id-b')).toStrictEqual({ kind: 'configured' });
    const sets = ipam.accepted.map((accepted) => accepted.map(({ network }) => network));
    expect(new Set(sets.flat())).toStrictEqual(new Set(['b']));
    expect(sets.every((set) => set.length === 1)).toBe(true);
  });

  describe('while it is unknown which pools overlay-ipam has', () => {
    const networks = [exampleNetwork('a', 1), exampleNetwork('b', 2), exampleNetwork('c', 3)];
    const namesOf = (sets: FakeIpam['accepted']) => sets.map((set) => set.map(({ network }) => network));

    function fresh() {
      const ports = host();
      const config = agentConfiguration.parse({ ip: '10.0.0.1', network_config: {} });
      const pass = () =>
        configurePass(exampleRegistration(networks), config, ports, FIRST_PASS, () => false, signal);
      return { ...ports, pass };
    }

    it('leaves the pool of every network that the dataplane fails', async () => {
      const { dataplane, ipam, pass } = fresh();
      for (const name of ['a', 'b', 'c']) dataplane.failing.set(name, 'no underlay address');
      const { pools, results } = await pass();
      expect(namesOf(ipam.accepted)).toStrictEqual([['a', 'b', 'c']]);
      expect(results.get('id-a')).toMatchObject({ kind: 'error' });
      expect(pools).toStrictEqual(new Set(['id-a', 'id-b', 'id-c']));
    });

    it('goes on with the others when overlay-ipam refuses some, never taking all away', async () => {
      const { ipam, pass } = fresh();
      ipam.refusedNetworks.add('a').add('c');
      const { pools, results } = await pass();
      expect(namesOf(ipam.accepted)).toStrictEqual([['b']]);
      expect(results.get('id-c')).toStrictEqual({ kind: 'error', error: 'pool c is refused' });
      expect(pools).toStrictEqual(new Set(['id-b']));
    });

    it('takes nothing away when overlay-ipam refuses all, and knows no more than before', async () => {
      const { ipam, pass } = fresh();
      ipam.refusedNetworks.add('a').add('b').add('c');
      expect((await pass()).pools).toBeUndefined();
      expect(ipam.accepted).toStrictEqual([]);
    });

    it('knows no more while a daemon is away', async () => {
      const { dataplane, ipam, pass } = fresh();
      ipam.away = true;
      expect((await pass()).pools).toBeUndefined();
      dataplane.trouble = new OverlayError('unavailable', 'connection refused');
      expect((await pass()).pools).toBeUndefined();
    });
  });

  it("fails a network whose file name is somebody else's", async () => {
    const { mesosFiles, pass } = host();
    mesosFiles.files.set('a.conf', '{}');
    const { results } = await pass();
    expect(results.get('id-a')).toMatchObject({ kind: 'error' });
    expect(results.get('id-b')).toStrictEqual({ kind: 'configured' });
    expect(mesosFiles.files.get('a.conf')).toBe('{}');
  });

  it('fails a network without a block and configures the rest', async () => {
    const { pass } = host();
    const bare = { ...exampleNetwork('a', 1), subnet: '', cniBridge: undefined, dockerBridge: undefined };
    const { results } = await pass([bare, exampleNetwork('b', 2)]);
    expect(results.get('id-a')).toMatchObject({ kind: 'hopeless' });
    expect(results.get('id-b')).toStrictEqual({ kind: 'configured' });
  });

  it('gives a gateway neither pools nor files, and needs no overlay-ipam', async () => {
    const { dataplane, ipam, mesosFiles, pass } = host({ allocate_subnet: false });
    ipam.away = true;
    const bare = { ...exampleNetwork('a', 1), subnet: '', cniBridge: undefined, dockerBridge: undefined };
    const { results, ipamAway } = await pass([bare]);
    expect(ipamAway).toBeUndefined();
    expect(results.get('id-a')).toStrictEqual({ kind: 'configured' });
    expect(dataplane.host).toMatchObject({ configureCniBridges: false, configureDockerBridges: false });
    expect([ipam.accepted.length, mesosFiles.changes]).toStrictEqual([0, 0]);
  });

  it('leaves a half that was switched off later unconfigured', async () => {
    const { ipam, mesosFiles, pass } = host({ mesos_bridge: false });
    const { results } = await pass();
    expect(results.get('id-a')).toStrictEqual({ kind: 'configured' });
    expect([ipam.pools.length, mesosFiles.changes]).toStrictEqual([0, 0]);
  });

  it('configures no IPv6 where it is switched off', async () => {
    const { ipam, pass } = host({ enable_ipv6: false });
    const both = exampleNetwork('a', 1);
    both.cniBridge = { name: 'm-a', ip: '9.1.0.0/25', ip6: 'fd01:b::/81' };
    await pass([both]);
    expect(ipam.pools[0]).toMatchObject({ subnet: '9.1.0.0/25', subnet6: '' });
  });

  it('tells that a network is gone when the kernel has nothing of it any more', async () => {
    const ports = host();
    const { dataplane } = ports;
    const registration = exampleRegistration([exampleNetwork('a', 1), exampleNetwork('b', 2)]);
    const deleting = {
      ...registration,
      networks: registration.networks.map((network) =>
        network.id === 'id-b' ? { ...network, phase: NetworkPhase.DELETING } : network,
      ),
    };
    const config = agentConfiguration.parse({ ip: '10.0.0.1' });
    let isInDocker = true;
    const pass = () => configurePass(deleting, config, ports, nothing, () => isInDocker, signal);
    // Until then its isolation has to stay, which the dataplane ends with the network.
    expect(await pass()).toMatchObject({ removed: [], notRemoved: new Map() });
    expect(dataplane.removals).toBe(0);
    isInDocker = false;
    dataplane.staying.set('id-b', 'link m-b cannot be removed: Device or resource busy');
    const stuck = await pass();
    expect(stuck.removed).toEqual([]);
    expect([...stuck.notRemoved]).toEqual([['id-b', 'link m-b cannot be removed: Device or resource busy']]);
    dataplane.staying.clear();
    expect(await pass()).toMatchObject({ removed: ['id-b'], notRemoved: new Map() });
  });
});
