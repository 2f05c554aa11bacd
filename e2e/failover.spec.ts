import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type OverlayError, toOverlayError } from '@overlay/failure';
import { type Master, Testbed } from '@overlay/testbed';
import { type ClusterView, checkHistory } from './history.js';
import { LogObserver } from './log-observer.js';
import { readReplicatedLog } from './replicated-log.js';
import { SeededRandom } from './seeded-random.js';
import { listGrants, SimulatedAgents } from './simulated-agents.js';
import { waitUntilNo } from './wait-until.js';

jest.setTimeout(60_000);

const random = SeededRandom.fromEnvironment();
const HOUR_MS = 3_600_000;
/** Longer than the lease of a leader. */
const PAST_THE_LEASE_MS = 6_000;
const WORKERS = 6;
const GATEWAY = { allocateSubnet: false, mesosBridge: false, dockerBridge: false };

describe(`the masters under faults and load (repeat with OVERLAY_SEED=${random.seed})`, () => {
  let testbed: Testbed;
  let agents: SimulatedAgents;
  let observer: LogObserver;
  let strangers = 0;

  /** Starts a master whose wall clock can be moved. @param failPoint `after-commit@3`: where it shall die. */
  function launch(master: Master, failPoint = ''): void {
    const env = {
      OVERLAY_FAIL_POINTS: failPoint,
      NODE_OPTIONS: `--import=${resolve('e2e/moved-clock.mjs')}`,
      OVERLAY_CLOCK_STEP_MS: String(random.next() < 0.5 ? HOUR_MS : -HOUR_MS),
    };
    master.launch({ env });
  }

  /** Registers a node that nobody else registers, with one master, once. @returns why it was refused. */
  async function refusal(master: Master, timeoutMs: number): Promise<OverlayError | undefined> {
    strangers += 1;
    const node = `stranger-${strangers}`;
    agents.events.push({ type: 'register-begun', node });
    const request = { nodeId: node, ip: `10.2.0.${strangers}`, networkConfig: GATEWAY, attributes: {} };
    try {
      await agents.master(master.grpcAddress).agents.registerAgent(request, { timeoutMs });
      return undefined;
    } catch (thrown) {
      return toOverlayError(thrown);
    }
  }

  /** The whole cluster as each master shows it. */
  function views(): Promise<readonly ClusterView[]> {
    return Promise.all(
      testbed.masters.map(async (master) => ({
        name: master.spec.name,
        grants: await listGrants(agents.master(master.grpcAddress)),
      })),
    );
  }

  /** Two members of three are gone: nobody can write, everybody can read what is marked as stale. */
  async function withoutQuorum(): Promise<void> {
    for (const master of testbed.masters) {
      await waitUntilNo(async () => {
        const code = (await refusal(master, 8_000))?.code;
        return code === 'unavailable' ? undefined : `${master.spec.name} answers ${code} to a registration`;
      });
    }
    for (const view of await views()) expect(view.grants.length).toBeGreaterThan(0);
    await waitUntilNo(async () => {
      const answers = await Promise.all(
        testbed.masters.map(({ httpUrl }) => fetch(`${httpUrl}/overlay-master/state`)),
      );
      const fresh = answers.filter(({ headers }) => !headers.has('overlay-stale'));
      return fresh.length === 0 ? undefined : `${fresh.length} masters call their state current`;
    });
  }

  const FAULTS: readonly (readonly [string, () => Promise<void>])[] = [
    [
      'every master dies before, after a commit or before its answer',
      async () => {
        const points = random.shuffle(['before-commit', 'after-commit', 'before-reply']);
        await Promise.all(testbed.masters.map((master) => master.kill()));
        for (const [index, master] of testbed.masters.entries()) {
          launch(master, `${points[index]}@${2 + random.below(20)}`);
        }
        const exits = await Promise.all(testbed.masters.map((master) => master.waitExit(50_000)));
        expect(exits.map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL']);
        for (const master of testbed.masters) launch(master);
      },
    ],
    [
      'the leader is paused past its lease, refused when it goes on, and follows',
      async () => {
        const paused = await testbed.leader();
        paused.pause();
        const refused = refusal(paused, 30_000);
        const next = await testbed.leader();
        expect(next).not.toBe(paused);
        await agents.progress();
        paused.resume();
        expect(['unavailable', 'aborted']).toContain((await refused)?.code);
        agents.events.push({ type: 'deleted', node: `stranger-${strangers}` }); // as good as: it must not be there
        await paused.waitReady();
        expect(await testbed.leader()).toBe(next);
      },
    ],
    [
      'one member of etcd is lost, then two',
      async () => {
        const [first = 0, second = 1] = random.shuffle([0, 1, 2]);
        await testbed.etcd.member(first).kill();
        await agents.progress();
        await testbed.etcd.member(second).kill();
        await withoutQuorum();
        testbed.etcd.member(first).launch();
        testbed.etcd.member(second).launch();
        await testbed.etcd.waitReady();
      },
    ],
    ['every member of etcd is killed at once', () => testbed.etcd.restart()],
    [
      'etcd is compacted while masters watch, one of them far behind',
      async () => {
        const leader = await testbed.leader();
        const behind = testbed.masters.find((master) => master !== leader) ?? leader;
        behind.pause();
        for (let round = 0; round < 5; round += 1) {
          await agents.progress(10);
          await testbed.etcd.compact();
        }
        behind.resume();
        await behind.waitReady();
      },
    ],
    [
      'clocks move by an hour',
      async () => {
        const leader = await testbed.leader();
        const follower = testbed.masters.find((master) => master !== leader) ?? leader;
        for (const master of [leader, follower]) master.signal('SIGUSR2');
        await sleep(PAST_THE_LEASE_MS);
        expect(await testbed.leader()).toBe(leader);
        expect(leader.log().split('"leading"').at(-1)).not.toContain('"leading_ended"');
      },
    ],
  ];

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 0, masters: 3, log: 'etcd', etcdMembers: 3, label: 'failover' });
    for (const master of testbed.masters) launch(master);
    await testbed.leader();
    observer = new LogObserver(testbed.etcd.endpoints);
    agents = new SimulatedAgents(
      testbed.masters.map(({ grpcAddress }) => grpcAddress),
      random,
    );
    agents.start(WORKERS);
    await agents.progress(100);
  });

  afterAll(async () => {
    agents?.close();
    await observer?.close();
    await testbed?.close();
  });

  it.each(random.shuffle(FAULTS))('go on after this: %s', async (_name, fault) => {
    await fault();
    await Promise.all(testbed.masters.map((master) => master.waitReady()));
    await agents.progress();
  });

  it('gave nothing twice and lost nothing that they had acknowledged', async () => {
    await agents.stop();
    expect(agents.acknowledged).toBeGreaterThan(300);
    await waitUntilNo(async () => checkHistory(agents.events, await views())[0]); // followers may be a moment behind
    expect(observer.commits).toBeGreaterThan(50);
    expect(await observer.close()).toEqual([]);
    const { grants, problems } = await readReplicatedLog(testbed.etcd.endpoints);
    expect(problems).toEqual([]);
    expect(checkHistory(agents.events, [...(await views()), { name: 'the log', grants }])).toEqual([]);
  });
});
