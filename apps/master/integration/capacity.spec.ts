import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf, Capacity } from '@overlay/contracts';
import { MasterUnderTest } from './master-under-test.js';

const master = new MasterUnderTest();
beforeEach(() => master.start());
afterEach(() => master.remove());

const NOTHING_ELSE = { networks: [], containers: [], removedNetworkIds: [] };

function row(network: string, free: bigint): Capacity {
  return Capacity.fromPartial({
    network,
    half: AllocationHalf.CNI,
    family: 4,
    total: 30n,
    used: 30n - free,
    free,
  });
}

async function report(nodeId: string, ...capacities: readonly Capacity[]): Promise<void> {
  await master.agents.reportAgent({ nodeId, ...NOTHING_ELSE, capacities: [...capacities] });
}

describe('capacity as it changes', () => {
  it('is every row first, then what agents report anew, and what goes with an agent', async () => {
    await master.register('a', '10.0.0.1');
    await master.register('b', '10.0.0.2');
    await report('a', row('dcos', 30n), row('dcos6', 30n));
    const watch = master.networks.watchCapacity({ network: 'dcos' })[Symbol.asyncIterator]();
    const next = async () => (await watch.next()).value;
    expect(await next()).toMatchObject({
      synced: true,
      capacities: [{ agentIp: '10.0.0.1', network: 'dcos', free: 30n }],
    });
    await report('b', row('dcos', 7n));
    expect(await next()).toMatchObject({ capacities: [{ agentIp: '10.0.0.2', free: 7n }] });
    await report('a', row('dcos', 0n), row('dcos6', 1n));
    expect(await next()).toMatchObject({ capacities: [{ agentIp: '10.0.0.1', free: 0n, used: 30n }] });
    await master.networks.deleteAgents({ ips: ['10.0.0.1'], force: true });
    expect(await next()).toMatchObject({ capacities: [{ agentIp: '10.0.0.1', total: 0n }] });
    await watch.return?.();
  });

  it('lists only hosts with enough left', async () => {
    await master.register('a', '10.0.0.1');
    await master.register('b', '10.0.0.2');
    await report('a', row('dcos', 3n));
    await report('b', row('dcos', 20n));
    await master.register('c', '10.0.0.3');
    await report('c', row('dcos', 0n), { ...row('dcos', 29n), family: 6 });
    const asked = { network: 'dcos', minFree: 10n, pageSize: 0, pageToken: '' };
    const { capacities } = await master.networks.getCapacity(asked);
    expect(capacities.map(({ agentIp }) => agentIp)).toEqual(['10.0.0.2']);
  });

  it('is refused for a network that there is not', async () => {
    const watch = master.networks.watchCapacity({ network: 'nope' })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({ code: 'not_found' });
  });
});
