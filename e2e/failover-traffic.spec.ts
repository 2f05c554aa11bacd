import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import { type AgentState, type Container, type Host, type Master, Testbed } from '@overlay/testbed';
import { agentOf, assignmentOf, vtepOf } from './cluster-state.js';
import { entriesTowards } from './kernel-entries.js';
import { readReplicatedLog } from './replicated-log.js';
import { waitUntil, waitUntilNo } from './wait-until.js';

jest.setTimeout(90_000);

const NETWORKS = ['dcos', 'dcos6'];
/** A stream to a host that is gone without a word ends after 15 s; a neighbour of the underlay is asked again by then. */
const PEERS_FOLLOW_MS = 45_000;

/** What hosts hold, whatever a passing state says of it. */
function withoutErrors(holdings: unknown): unknown {
  return JSON.parse(JSON.stringify(holdings, (key, value) => (key === 'error' ? undefined : value)));
}

describe('hosts under faults of the masters, of etcd and of the underlay', () => {
  let testbed: Testbed;
  const containers = new Map<string, Container>();
  let stream: number;
  const host = (label: string): Host => testbed.host(label);

  function containerOn(label: string): Container {
    const container = containers.get(label);
    if (container === undefined) throw new OverlayError('not_found', `no container on ${label}`);
    return container;
  }

  async function expectStreamGoesOn(): Promise<void> {
    const left = containerOn('h1');
    const { linesEchoed: before } = await left.streamStatus(stream);
    await waitUntil(
      'lines come back',
      async () => (await left.streamStatus(stream)).linesEchoed > before + 10,
    );
  }

  /** Every container reaches every other one. */
  function waitEveryoneReachesEveryone(): Promise<void> {
    return waitUntilNo(async () => {
      for (const from of containers.values()) {
        for (const to of containers.values()) {
          const { ok } = from === to ? { ok: true } : await from.ping(to.ipv4 ?? '', { timeoutMs: 500 });
          if (!ok) return `${from.host} does not reach ${to.host}`;
        }
      }
      return undefined;
    }, PEERS_FOLLOW_MS);
  }

  const assignments = async (): Promise<readonly unknown[]> => {
    const { agents = [] } = await testbed.waitSettled(NETWORKS, PEERS_FOLLOW_MS);
    return agents.map(assignmentOf);
  };

  /** What the host has, apart from its own address. */
  async function holdings(each: Host): Promise<AgentState['overlays']> {
    const state = await testbed.waitSettled(NETWORKS, PEERS_FOLLOW_MS);
    return agentOf(state, each).overlays;
  }

  function deleteAgent(master: Master, ip: string, force: boolean): Promise<Response> {
    return fetch(`${master.httpUrl}/overlay-master/agents/delete`, {
      method: 'POST',
      body: JSON.stringify({ agents: [ip], force }),
    });
  }

  beforeAll(async () => {
    testbed = await Testbed.create({
      hosts: 3,
      masters: 3,
      log: 'etcd',
      etcdMembers: 3,
      label: 'failover-traffic',
    });
    await testbed.start('listening');
    await testbed.waitSettled(NETWORKS, 45_000);
    for (const each of testbed.hosts) {
      const container = await each.attachCni('dcos');
      await container.serveEcho();
      containers.set(each.label, container);
    }
    stream = await containerOn('h1').openStream(containerOn('h2').ipv4 ?? '');
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it('go on without the leader, and keep what they have with the next one', async () => {
    const before = await assignments();
    const leader = await testbed.leader();
    await leader.kill();
    await expectStreamGoesOn();
    expect(await assignments()).toEqual(before);
    expect(await testbed.leader()).not.toBe(leader);
    await leader.start();
    await expectStreamGoesOn();
  });

  it('go on without a quorum of etcd: traffic, container starts, reads', async () => {
    await Promise.all([testbed.etcd.member(0).kill(), testbed.etcd.member(2).kill()]);
    await expectStreamGoesOn();
    const started = await host('h3').attachCni('dcos6');
    await started.remove();
    for (const master of testbed.masters) expect((await master.state()).agents).toHaveLength(3);
    for (const index of [0, 2]) testbed.etcd.member(index).launch();
    await testbed.etcd.waitReady();
    for (const master of testbed.masters) await master.waitReady();
    await testbed.waitSettled(NETWORKS, PEERS_FOLLOW_MS);
    await expectStreamGoesOn();
  });

  it('keep block and tunnel endpoint when an address changes under a running agent; the peers follow', async () => {
    const moved = host('h3');
    const had = await holdings(moved);
    const from = agentOf(await (await testbed.leader()).state(), moved);
    await moved.changeAddress(testbed.spareAddress());
    await moved.agent.restart().catch(() => moved.agent.waitReady(PEERS_FOLLOW_MS));
    expect(await holdings(moved)).toEqual(had);
    await waitEveryoneReachesEveryone();
    for (const peer of [host('h1'), host('h2')]) {
      const lines = await peer.execOrFail(['bridge', 'fdb', 'show', 'dev', 'vtep1024']);
      expect(lines).toContain(`dst ${moved.address.ipv4} `);
      expect(lines).not.toContain(`dst ${from.ip} `);
    }
  });

  it('register anew by themselves when the address changes that they found out', async () => {
    const moved = host('h3');
    moved.agent.configure({ ip: undefined });
    await moved.agent.stop();
    await moved.agent.start();
    const had = await holdings(moved);
    const process = moved.agent.pid;
    await moved.changeAddress(testbed.spareAddress());
    // The old connection ends without a word: for longer than this it would look open to the leader.
    await waitUntil(
      'the leader knows the new address',
      async () => {
        const { agents = [] } = await (await testbed.leader()).state();
        return agents.some(({ ip }) => ip === moved.address.ipv4);
      },
      12_000,
    );
    expect(moved.agent.pid).toBe(process);
    expect(await holdings(moved)).toEqual(had);
    await waitEveryoneReachesEveryone();
  });

  it('keep block and tunnel endpoint when two hosts swap addresses', async () => {
    const [first, second] = [host('h1'), host('h2')];
    const had = [await holdings(first), await holdings(second)];
    const [firstAddress, secondAddress] = [first.address, second.address];
    await Promise.all([first.agent.kill(), second.agent.kill()]);
    await first.changeAddress(testbed.spareAddress());
    await second.changeAddress(firstAddress);
    await first.changeAddress(secondAddress);
    await Promise.all([first.agent.start(), second.agent.start()]);
    // Until both have registered, each sees its own address as a peer's and says so.
    await waitEveryoneReachesEveryone();
    await testbed.waitSettled();
    expect(withoutErrors([await holdings(first), await holdings(second)])).toEqual(withoutErrors(had));
    await expectStreamGoesOn();
  });

  it('are not deleted while connected unless forced, and come back to what they had', async () => {
    const leader = await testbed.leader();
    const away = host('h3');
    const had = await holdings(away);
    const refused = await deleteAgent(leader, away.address.ipv4, false);
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(away.address.ipv4)]);
    expect((await deleteAgent(leader, away.address.ipv4, true)).status).toBe(200);
    expect(await holdings(away)).toEqual(had);
    await waitEveryoneReachesEveryone();
  });

  it('are forgotten by their peers when they are deleted while cut off, and come back to what they had', async () => {
    const leader = await testbed.leader();
    const away = host('h3');
    const had = await holdings(away);
    const known = agentOf(await leader.state(), away);
    await testbed.partition(away);
    expect((await deleteAgent(leader, known.ip, false)).status).toBe(400);
    expect((await deleteAgent(leader, known.ip, true)).status).toBe(200);
    await waitUntil('h1 forgot h3', async () => (await entriesTowards(host('h1'), known)).length === 0);
    expect((await leader.state()).agents?.map(({ ip }) => ip)).not.toContain(known.ip);

    await testbed.heal(away);
    expect(await holdings(away)).toEqual(had);
    await waitEveryoneReachesEveryone();
  });

  it('were never cut off from each other, and the log is as it has to be', async () => {
    expect(await containerOn('h1').closeStream(stream)).toMatchObject({ ok: true });
    const state = await testbed.waitSettled(NETWORKS);
    const { grants, problems } = await readReplicatedLog(testbed.etcd.endpoints);
    expect(problems).toEqual([]);
    const shown = testbed.hosts.map((each) => [each.address.ipv4, vtepOf(state, each).vtep_mac]);
    const logged = grants.map(({ ip, values }) => [ip, values.find((value) => value.startsWith('70:b3:d5'))]);
    expect(logged.toSorted()).toEqual(shown.toSorted());
  });
});
