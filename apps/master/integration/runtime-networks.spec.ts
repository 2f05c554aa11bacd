import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf, Container, NetworkPhase } from '@overlay/contracts';
import { MasterUnderTest, NETWORK } from './master-under-test.js';

const master = new MasterUnderTest();
beforeEach(() => master.start());
afterEach(() => master.remove());

const WEB = {
  name: 'web',
  subnet: '10.8.0.0/16',
  prefix: 26,
  subnet6: '',
  prefix6: 0,
  disabled: false,
  isolated: false,
};

describe('networks at runtime', () => {
  const names = async () =>
    ((await master.state()) as { network: { overlays: { name: string }[] } }).network.overlays.map(
      ({ name }) => name,
    );

  it('are created, given to agents, deleted by every agent and then gone, also after a restart', async () => {
    await master.register('a', '10.0.0.1');
    const { network } = await master.networks.createNetwork({ spec: WEB });
    const id = network?.id ?? '';
    expect((await master.networks.createNetwork({ spec: WEB })).network?.id).toBe(id);
    const { assignment } = await master.register('a', '10.0.0.1');
    expect(assignment?.networks.map((one) => one.subnet)).toContain('10.8.0.0/26');
    await master.stop();
    await master.start();
    expect(await names()).toEqual(['dcos', 'dcos6', 'web']);
    // The master that starts waits for what hosts have to tell: here, that a container is attached.
    const early = master.networks.deleteNetwork({ name: 'web', force: false });
    const container = Container.fromPartial({ containerId: 'c', network: 'web', ip: '10.8.0.2' });
    const report = { nodeId: 'a', networks: [], containers: [], capacities: [], removedNetworkIds: [] };
    await Promise.all([
      expect(early).rejects.toMatchObject({ code: 'failed_precondition' }),
      master.agents.reportAgent({ ...report, containers: [container] }),
    ]);
    await master.agents.reportAgent(report);
    const deleting = await master.networks.deleteNetwork({ name: 'web', force: false });
    expect(deleting.network?.phase).toBe(NetworkPhase.DELETING);
    expect(await names()).toContain('web');
    await master.agents.reportAgent({ ...report, removedNetworkIds: [id] });
    expect(await names()).toEqual(['dcos', 'dcos6']);
    await master.stop();
    await master.start();
    expect(await names()).toEqual(['dcos', 'dcos6']);
  });

  it('stay deleted although the configuration names them', async () => {
    await master.networks.deleteNetwork({ name: 'dcos6', force: false });
    await master.stop();
    await master.start();
    expect(await names()).toEqual(['dcos']);
  });

  it.each([
    ['a reserved name', { ...WEB, name: 'host' }, 'invalid_argument', 'spec.name'],
    ['a long name', { ...WEB, name: 'fourteen-chars' }, 'invalid_argument', 'spec.name'],
    ['an overlap', { ...WEB, subnet: '9.1.0.0/16' }, 'invalid_argument', 'spec.subnet'],
    ['the wrong family', { ...WEB, subnet: 'fd09::/64' }, 'invalid_argument', 'spec.subnet'],
    ['no address space', { ...WEB, subnet: '', prefix: 0 }, 'invalid_argument', 'spec'],
    ['host bits', { ...WEB, subnet: '10.8.0.1/16' }, 'invalid_argument', 'spec.subnet'],
  ])('are refused with %s, and nothing changes', async (_what, spec, code, field) => {
    const before = await master.state();
    await expect(master.networks.createNetwork({ spec })).rejects.toMatchObject({
      code,
      violations: expect.arrayContaining([expect.objectContaining({ field })]),
    });
    expect(await master.state()).toEqual(before);
  });

  it('are not deleted while containers are attached, unless forced', async () => {
    await master.register('a', '10.0.0.1');
    const container = {
      containerId: 'c1',
      interface: 'eth0',
      network: 'dcos',
      half: AllocationHalf.CNI,
      ip: '9.0.0.2',
      ip6: '',
      agentIp: '',
      labels: {},
    };
    const report = { networks: [], containers: [container], capacities: [], removedNetworkIds: [] };
    await master.agents.reportAgent({ nodeId: 'a', ...report });
    await expect(master.networks.deleteNetwork({ name: 'dcos', force: false })).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    const forced = await master.networks.deleteNetwork({ name: 'dcos', force: true });
    expect(forced.network?.phase).toBe(NetworkPhase.DELETING);
  });
});

describe('a log that the configuration contradicts', () => {
  it('stops the start, naming the network and the ways out', async () => {
    await master.register('a', '10.0.0.1');
    await master.stop();
    await expect(master.start({ ...NETWORK, overlays: NETWORK.overlays.slice(0, 1) })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(/"dcos6".*10\.0\.0\.1.*--adopt-networks/s),
    });
    await master.start();
    expect(((await master.state()) as { agents: unknown[] }).agents).toHaveLength(1);
  });
});
