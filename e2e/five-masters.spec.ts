import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { NetworkServiceService } from '@overlay/contracts';
import { toOverlayError } from '@overlay/failure';
import { createRpcClient } from '@overlay/rpc';
import { type Container, type Master, Testbed } from '@overlay/testbed';
import { assignmentOf } from './cluster-state.js';
import { readReplicatedLog } from './replicated-log.js';

jest.setTimeout(120_000);

const NETWORKS = ['dcos', 'dcos6'];

describe('five masters', () => {
  let testbed: Testbed;
  let left: Container;
  let right: Container;
  let before: readonly unknown[];

  async function assignments(): Promise<readonly unknown[]> {
    const { agents = [] } = await testbed.waitSettled(NETWORKS, 45_000);
    return agents.map(assignmentOf);
  }

  /** Creates a network at a master. @returns the leader that a refusal names; '' if it was created. */
  async function create(name: string, subnet: string, master: Master): Promise<string> {
    const client = createRpcClient(NetworkServiceService, {
      target: master.grpcAddress,
      timeoutMs: 20_000,
    });
    const spec = { name, subnet, prefix: 24, subnet6: '', prefix6: 0, disabled: true, isolated: false };
    try {
      await client.createNetwork({ spec });
      return '';
    } catch (thrown) {
      const { code, leader } = toOverlayError(thrown);
      expect(code).toBe('unavailable');
      return leader ?? 'nobody';
    } finally {
      client.close();
    }
  }

  beforeAll(async () => {
    testbed = await Testbed.create({
      hosts: 2,
      masters: 5,
      log: 'etcd',
      etcdMembers: 3,
      label: 'five-masters',
    });
    await testbed.start();
    before = await assignments();
    left = await testbed.host('h1').attachCni('dcos');
    right = await testbed.host('h2').attachCni('dcos');
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it('have one leader, whom the four others name to writers and show the same state as', async () => {
    const leader = await testbed.leader();
    for (const master of testbed.masters.filter((one) => one !== leader)) {
      expect(await create('refused', '10.70.0.0/16', master)).toBe(leader.grpcAddress);
      const { agents = [] } = await master.state();
      expect(agents.map(assignmentOf)).toEqual(before);
    }
  });

  it('go on with any one of them after four have died', async () => {
    for (const round of [1, 2]) {
      const leader = await testbed.leader();
      const alive = testbed.masters.filter((one) => one.running && one !== leader);
      await Promise.all([leader.kill(), alive[0]?.kill()]);
      const next = await testbed.leader();
      expect(alive.slice(1)).toContain(next);
      expect(await create(`round-${round}`, `10.7${round}.0.0/16`, next)).toBe('');
      expect(await assignments()).toEqual(before);
    }
    expect(testbed.masters.filter(({ running }) => running)).toHaveLength(1);
    expect(await left.ping(right.ipv4 ?? '')).toMatchObject({ ok: true });
  });

  it('follow the one that leads when they come back, with all that it wrote meanwhile', async () => {
    const leader = await testbed.leader();
    await Promise.all(testbed.masters.filter(({ running }) => !running).map((master) => master.start()));
    expect(await testbed.leader()).toBe(leader);
    for (const master of testbed.masters) {
      const { network, agents = [] } = await master.state();
      const names = network.overlays?.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['round-1', 'round-2']));
      expect(names).not.toContain('refused');
      expect(agents.map(assignmentOf)).toEqual(before);
    }
    expect((await readReplicatedLog(testbed.etcd.endpoints)).problems).toEqual([]);
  });
});
