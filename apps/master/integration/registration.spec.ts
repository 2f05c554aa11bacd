import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NetworkSpec, NetworkStatus, type TopologyFrame, TopologyFrameKind } from '@overlay/contracts';
import { BOTH_HALVES, MasterUnderTest } from './master-under-test.js';

const master = new MasterUnderTest();
beforeEach(() => master.start());
afterEach(() => master.remove());

describe('registration', () => {
  it('names every wrong field', async () => {
    const call = master.agents.registerAgent({
      nodeId: '../x',
      ip: '10.0.0',
      networkConfig: BOTH_HALVES,
      attributes: { '': 'x' },
    });
    await expect(call).rejects.toMatchObject({
      code: 'invalid_argument',
      violations: [{ field: 'node_id' }, { field: 'ip' }, { field: 'attributes.' }],
    });
  });

  it('gives many at once different values', async () => {
    const hosts = Array.from({ length: 200 }, (_, index) => index + 1);
    const answers = await Promise.all(hosts.map((host) => master.register(`n${host}`, `10.0.1.${host}`)));
    const blocks = answers.flatMap(
      ({ assignment }) => assignment?.networks.flatMap(({ routedPrefixes }) => routedPrefixes) ?? [],
    );
    expect(blocks).toHaveLength(400);
    expect(new Set(blocks).size).toBe(400);
    expect(new Set(answers.map(({ assignment }) => assignment?.vtep?.mac)).size).toBe(200);
  });

  it('shows reports in the state, and asks an unknown reporter to register', async () => {
    const { assignment } = await master.register('a', '10.0.0.1');
    const networkId = assignment?.networks[0]?.networkId ?? '';
    const networksReported = [
      { networkId, state: { status: NetworkStatus.FAILED, error: 'm-dcos: no <device>' } },
    ];
    const report = { networks: networksReported, containers: [], capacities: [], removedNetworkIds: [] };
    expect((await master.agents.reportAgent({ nodeId: 'a', ...report })).registerAgain).toBe(false);
    expect((await master.agents.reportAgent({ nodeId: 'b', ...report })).registerAgain).toBe(true);
    expect(JSON.stringify(await master.state())).toContain(
      '{"status":"STATUS_FAILED","error":"m-dcos: no <device>"}',
    );
  });

  it('asks a reporter to register for a network that has a block for it, not for one without', async () => {
    const report = { networks: [], containers: [], capacities: [], removedNetworkIds: [] };
    const isAsked = async (nodeId: string) =>
      (await master.agents.reportAgent({ nodeId, ...report })).registerAgain;
    for (const host of [1, 2, 3]) await master.register(`n${host}`, `10.0.0.${host}`);
    const spec = NetworkSpec.fromPartial({ name: 'small', subnet: '10.9.0.0/24', prefix: 25 });
    await master.networks.createNetwork({ spec });
    expect(await isAsked('n3')).toBe(true);
    await master.register('n1', '10.0.0.1');
    await master.register('n2', '10.0.0.2');
    expect(await isAsked('n1')).toBe(false);
    expect(await isAsked('n3')).toBe(false);
  });
});

async function framesUntilSynced(from: bigint): Promise<readonly TopologyFrame[]> {
  const frames: TopologyFrame[] = [];
  for await (const { frame } of master.agents.watchTopology({ nodeId: '', fromRevision: from })) {
    if (frame !== undefined) frames.push(frame);
    if (frame?.kind === TopologyFrameKind.SYNCED) break;
  }
  return frames;
}

describe('the topology', () => {
  it('is a snapshot, then deltas, and is resumed by revision', async () => {
    await master.register('a', '10.0.0.1');
    const first = await framesUntilSynced(0n);
    expect(first.map(({ kind }) => kind)).toEqual([TopologyFrameKind.SNAPSHOT, TopologyFrameKind.SYNCED]);
    await master.register('b', '10.0.0.2');
    const resumed = await framesUntilSynced(first.at(-1)?.revision ?? 0n);
    expect(resumed.map(({ kind }) => kind)).toEqual([TopologyFrameKind.DELTA, TopologyFrameKind.SYNCED]);
    expect(resumed[0]?.changes.map(({ change }) => change?.$case)).toEqual(['peer']);
  });

  it('tells an open stream of joins and deletions', async () => {
    await master.register('a', '10.0.0.1');
    const seen: string[] = [];
    const stream = master.agents.watchTopology({ nodeId: 'a', fromRevision: 0n });
    for await (const { frame } of stream) {
      for (const { change } of frame?.changes ?? []) seen.push(change?.$case ?? '');
      if (frame?.kind === TopologyFrameKind.SYNCED) await master.register('b', '10.0.0.2');
      if (seen.at(-1) === 'removedNodeId') break;
      if (frame?.kind === TopologyFrameKind.DELTA)
        await master.networks.deleteAgents({ ips: ['10.0.0.2'], force: false });
    }
    expect(seen).toEqual(['addressSpace', 'network', 'network', 'peer', 'peer', 'removedNodeId']);
  });

  it('is refused to a node that is not registered', async () => {
    const stream = master.agents
      .watchTopology({ nodeId: 'stranger', fromRevision: 0n })
      [Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});
