import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { HealthCheckResponse_ServingStatus, HealthService, TopologyFrameKind } from '@overlay/contracts';
import { type OverlayError, toOverlayError } from '@overlay/failure';
import { createRpcClient } from '@overlay/rpc';
import { type Master, Testbed } from '@overlay/testbed';
import { type ClusterView, checkHistory } from './history.js';
import { InsistentMasters } from './insistent-masters.js';
import { LogObserver } from './log-observer.js';
import { checkNetworks, type NetworkView } from './network-history.js';
import { readReplicatedLog } from './replicated-log.js';
import { SeededRandom } from './seeded-random.js';
import { listGrants, SimulatedAgents } from './simulated-agents.js';
import { listNetworks, SimulatedNetworks } from './simulated-networks.js';
import { waitUntilNo } from './wait-until.js';

jest.setTimeout(60_000);

const random = SeededRandom.fromEnvironment();
const HOUR_MS = 3_600_000;
/** Longer than the lease of a leader. */
const PAST_THE_LEASE_MS = 6_000;
const WORKERS = 6;
const NETWORK_WORKERS = 2;
/** So many commands wait for the leader that two commits, of some 40 each, are on their way at once. */
const BUSY_WORKERS = 128;
const GATEWAY = { allocateSubnet: false, mesosBridge: false, dockerBridge: false };

describe(`the masters under faults and load (repeat with OVERLAY_SEED=${random.seed})`, () => {
  let testbed: Testbed;
  let clients: InsistentMasters;
  let agents: SimulatedAgents;
  let networks: SimulatedNetworks;
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
      await clients.master(master.grpcAddress).agents.registerAgent(request, { timeoutMs });
      return undefined;
    } catch (thrown) {
      return toOverlayError(thrown);
    }
  }

  /** The same for the creation of a network. */
  async function networkRefusal(master: Master, timeoutMs: number): Promise<OverlayError | undefined> {
    strangers += 1;
    const name = `stranger-${strangers}`;
    networks.events.push({ type: 'network-begun', name });
    const spec = { name, subnet: '10.96.0.0/16', prefix: 24, subnet6: '', prefix6: 0 };
    try {
      await clients
        .master(master.grpcAddress)
        .networks.createNetwork({ spec: { ...spec, disabled: true, isolated: false } }, { timeoutMs });
      return undefined;
    } catch (thrown) {
      return toOverlayError(thrown);
    }
  }

  /** The whole cluster as each master shows it. */
  function views(): Promise<readonly (ClusterView & NetworkView)[]> {
    return Promise.all(
      testbed.masters.map(async (master) => ({
        name: master.spec.name,
        grants: await listGrants(clients.master(master.grpcAddress)),
        networks: await listNetworks(clients.master(master.grpcAddress)),
      })),
    );
  }

  function contradictions(shown: readonly (ClusterView & NetworkView)[]): readonly string[] {
    return [...checkHistory(agents.events, shown), ...checkNetworks(networks.events, shown)];
  }

  /** Whether a master says that it leads, to whoever asks for its health. */
  async function isServingAsLeader({ grpcAddress }: Master): Promise<boolean> {
    const health = createRpcClient(HealthService, { target: grpcAddress });
    try {
      const { status } = await health.check({ service: 'overlay.leader' });
      return status === HealthCheckResponse_ServingStatus.SERVING;
    } finally {
      health.close();
    }
  }

  /** Whether a master's answer over gRPC says that it may be out of date. */
  async function saysStale(master: Master): Promise<boolean> {
    let stale = false;
    const onHeaders = (headers: ReadonlyMap<string, string>) => {
      stale = headers.has('overlay-stale');
    };
    await clients
      .master(master.grpcAddress)
      .networks.listNetworks({ pageSize: 1, pageToken: '' }, { onHeaders });
    return stale;
  }

  /** Watches the topology of a master until the signal aborts. @returns the last word on its being stale. */
  function watchStaleness(
    master: Master,
    signal: AbortSignal,
  ): { readonly ended: Promise<void>; last: string[] } {
    const last: string[] = [];
    const read = async () => {
      const watch = clients.master(master.grpcAddress).agents.watchTopology;
      for await (const { frame, stale } of watch({ nodeId: '', fromRevision: 0n }, { signal })) {
        if (frame?.kind === TopologyFrameKind.SYNCED) last[0] = stale;
      }
    };
    return { ended: read().catch(() => undefined), last };
  }

  /** Two members of three are gone: nobody can write, everybody can read what is marked as stale. */
  async function withoutQuorum(): Promise<void> {
    const watching = new AbortController();
    const watches = testbed.masters.map((master) => watchStaleness(master, watching.signal));
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
    await waitUntilNo(async () => {
      const stale = await Promise.all(testbed.masters.map(saysStale));
      return stale.every(Boolean) ? undefined : 'a master calls its answer over gRPC current';
    });
    await waitUntilNo(async () => {
      const silent = watches.filter(({ last }) => (last[0] ?? '') === '');
      return silent.length === 0 ? undefined : `${silent.length} masters call their topology current`;
    });
    watching.abort();
    await Promise.all(watches.map(({ ended }) => ended));
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
        const known = { nodeId: 'known', ip: '10.3.0.1', networkConfig: GATEWAY, attributes: {} };
        const begin = () => agents.events.push({ type: 'register-begun', node: known.nodeId });
        await clients.insist(begin, (master) => master.agents.registerAgent(known));
        paused.pause();
        // It would change nothing, as far as the paused leader knows: no commit would tell it otherwise.
        const again = clients
          .master(paused.grpcAddress)
          .agents.registerAgent(known, { timeoutMs: 30_000 })
          .then(() => undefined, toOverlayError);
        const refused = refusal(paused, 30_000);
        const node = `stranger-${strangers}`;
        const networkRefused = networkRefusal(paused, 30_000);
        const name = `stranger-${strangers}`;
        const next = await testbed.leader();
        expect(next).not.toBe(paused);
        await agents.progress();
        const deletion = { ips: [known.ip], force: true };
        await clients.insist(begin, (master) => master.networks.deleteAgents(deletion));
        agents.events.push({ type: 'deleted', node: known.nodeId });
        paused.resume();
        expect(['unavailable', 'aborted']).toContain((await again)?.code);
        expect(['unavailable', 'aborted']).toContain((await refused)?.code);
        expect(['unavailable', 'aborted']).toContain((await networkRefused)?.code);
        // As good as deleted: what a master that leads no more was asked for must not be there.
        agents.events.push({ type: 'deleted', node });
        networks.events.push({ type: 'network-deleted', name });
        await paused.waitReady();
        expect(await testbed.leader()).toBe(next);
      },
    ],
    [
      'the leader is killed while two commits of many are under way',
      async () => {
        const stop = agents.saturate(BUSY_WORKERS);
        for (const _ of [1, 2]) {
          await agents.progress(500);
          const leader = await testbed.leader();
          await leader.kill();
          launch(leader);
        }
        await agents.progress(500);
        await stop();
        expect(observer.largest).toBeGreaterThan(100);
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
    clients = new InsistentMasters(testbed.masters.map(({ grpcAddress }) => grpcAddress));
    agents = new SimulatedAgents(clients, random);
    networks = new SimulatedNetworks(clients, random);
    agents.start(WORKERS);
    networks.start(NETWORK_WORKERS);
    await agents.progress(50);
    await networks.createShared('shared', '10.32.0.0/16');
    await agents.progress(50);
  });

  afterAll(async () => {
    clients?.close();
    await observer?.close();
    await testbed?.close();
  });

  it('have one leader that serves as such, whom the others name to writers', async () => {
    const leader = await testbed.leader();
    for (const master of testbed.masters) expect(await isServingAsLeader(master)).toBe(master === leader);
    for (const master of testbed.masters.filter((other) => other !== leader)) {
      const refused = await refusal(master, 5_000);
      expect(refused).toMatchObject({ code: 'unavailable', leader: leader.grpcAddress });
    }
  });

  it('delete more agents in one request than one commit holds', async () => {
    const many = Array.from({ length: 60 }, (_, host) => ({ node: `bulk-${host}`, ip: `10.5.0.${host}` }));
    const register = ({ node, ip }: (typeof many)[number]) =>
      clients.insist(
        () => agents.events.push({ type: 'register-begun', node }),
        (master) => master.agents.registerAgent({ nodeId: node, ip, networkConfig: GATEWAY, attributes: {} }),
      );
    await Promise.all(many.map(register));
    const leader = await testbed.leader();
    const { deletedIps } = await clients.insist(
      () => many.map(({ node }) => agents.events.push({ type: 'delete-begun', node })),
      (master) => master.networks.deleteAgents({ ips: many.map(({ ip }) => ip), force: true }),
    );
    expect(deletedIps).toEqual(many.map(({ ip }) => ip));
    for (const { node } of many) agents.events.push({ type: 'deleted', node });
    expect(leader.log()).not.toContain('"leading_ended"');
  });

  it.each(random.shuffle(FAULTS))('go on after this: %s', async (_name, fault) => {
    await fault();
    await Promise.all(testbed.masters.map((master) => master.waitReady()));
    await agents.progress();
  });

  it('gave nothing twice and lost nothing that they had acknowledged', async () => {
    await agents.stop();
    await networks.stop();
    expect(agents.acknowledged).toBeGreaterThan(300);
    expect(networks.acknowledged).toBeGreaterThan(50);
    await waitUntilNo(async () => contradictions(await views())[0]); // followers may be a moment behind
    expect(observer.commits).toBeGreaterThan(50);
    expect(await observer.close()).toEqual([]);
    const { problems, ...contents } = await readReplicatedLog(testbed.etcd.endpoints);
    expect(problems).toEqual([]);
    expect(contradictions([...(await views()), { name: 'the log', ...contents }])).toEqual([]);
  });
});
