import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Container, ProbeContainerRequest } from '@overlay/contracts';
import { statusOfFailure } from '@overlay/rpc';
import { MasterUnderTest } from './master-under-test.js';

const master = new MasterUnderTest();
beforeEach(() => master.start());
afterEach(() => master.remove());

const FOUND = { healthy: true, detail: 'port 80 is open', durationMs: 3 };

async function report(nodeId: string, ...containers: readonly Partial<Container>[]): Promise<void> {
  const reported = containers.map((container) => Container.fromPartial(container));
  const nothingElse = { networks: [], capacities: [], removedNetworkIds: [] };
  await master.agents.reportAgent({ nodeId, ...nothingElse, containers: reported });
}

function probe(container: string, agentIp = '') {
  const tcp = { $case: 'tcp', value: { port: 80 } } as const;
  return master.networks.probeContainer({
    probe: ProbeContainerRequest.fromPartial({ container, probe: tcp, timeoutMs: 500 }),
    agentIp,
  });
}

/** Plays an agent that finds one container healthy and fails for every other. */
async function answerAsAgent(nodeId: string, known: string): Promise<void> {
  const stream = master.agents.watchProbes({ nodeId });
  for await (const { probeId, probe: order } of stream) {
    const failure = { code: statusOfFailure('not_found'), message: `no ${order?.container}`, details: [] };
    const outcome =
      order?.container === known
        ? ({ $case: 'result', value: FOUND } as const)
        : ({ $case: 'failure', value: failure } as const);
    await master.agents.answerProbe({ nodeId, probeId, outcome });
  }
}

/** The stream is open once the master answers for the node something else than that it is not connected. */
async function untilConnected(container: string): Promise<void> {
  for (;;) {
    const code = await probe(container).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
    if (code !== 'unavailable') return;
  }
}

describe('a probe through the master', () => {
  it('is run by the agent that has the container, by id or by address', async () => {
    await master.register('a', '10.0.0.1');
    await report('a', { containerId: 'web', network: 'dcos6', ip6: 'fd01:b::2' }, { containerId: 'log' });
    const agent = answerAsAgent('a', 'web').catch(() => undefined);
    await untilConnected('web');
    expect(await probe('web')).toEqual({ result: FOUND, agentIp: '10.0.0.1' });
    await expect(probe('FD01:B:0::2')).rejects.toMatchObject({
      code: 'not_found',
      message: 'no FD01:B:0::2',
    });
    await expect(probe('log')).rejects.toMatchObject({ code: 'not_found', message: 'no log' });
    await master.stop();
    await agent;
  });

  it('says whose container it could be, and which it is not', async () => {
    await master.register('a', '10.0.0.1');
    await master.register('b', '10.0.0.2');
    await report('a', { containerId: 'web', ip: '9.0.0.2' });
    await report('b', { containerId: 'web', ip: '9.0.1.2' });
    await expect(probe('web')).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(probe('web', '10.0.0.2')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('node b is not connected'),
    });
    await expect(probe('other')).rejects.toMatchObject({ code: 'not_found' });
    await expect(probe('web', '10.0.0.9')).rejects.toMatchObject({ code: 'not_found' });
    await expect(probe('')).rejects.toMatchObject({ violations: [{ field: 'probe.container' }] });
    await expect(probe('web', 'here')).rejects.toMatchObject({ violations: [{ field: 'agent_ip' }] });
  });

  it('gives no orders to a node that is not registered', async () => {
    const stream = master.agents.watchProbes({ nodeId: 'stranger' })[Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});
