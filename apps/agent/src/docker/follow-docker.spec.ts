import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AgentNetwork, NetworkPhase, NetworkSpec, NetworkStatus } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { agentConfiguration, parseNodeId } from '@overlay/model';
import { createLogger, Metrics, Readiness, systemClock } from '@overlay/service';
import type { LoopDeps } from '../agent-deps.js';
import { declareMetrics } from '../agent-metrics.js';
import { AgentState } from '../agent-state.js';
import { AGENT_TIMINGS } from '../agent-timings.js';
import { FakeCniDirectory } from '../cni/fake-cni-directory.js';
import { exampleNetwork, exampleRegistration } from '../configuration/example-registration.js';
import { FakeDataplane } from '../daemons/fake-dataplane.js';
import { FakeIpam } from '../daemons/fake-ipam.js';
import { FakeMasters } from '../registration/fake-masters.js';
import { TopologyStore } from '../topology/topology-store.js';
import { DockerRecordFile } from './docker-record-file.js';
import { FakeDockerNetworks } from './fake-docker-networks.js';
import { followDocker } from './follow-docker.js';
import { NETWORK_ID_LABEL, planDockerNetwork } from './plan-docker-network.js';
import { watchDocker } from './watch-docker.js';

const { OK, FAILED, CONFIGURING } = NetworkStatus;
const missing = new OverlayError('not_found', 'no such file');
const refused = new OverlayError('unavailable', 'connection refused');

let folder: string;
let store: TopologyStore;
let stop: AbortController;
let loops: Promise<unknown>[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-docker-'));
  store = new TopologyStore(folder);
  stop = new AbortController();
  loops = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(loops);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A host whose kernel, pools and files stand, and its Docker. */
function host(docker = new FakeDockerNetworks(), networkConfig: Readonly<Record<string, unknown>> = {}) {
  const raw = { ip: '10.0.0.1', state_dir: folder, network_config: networkConfig };
  const config = agentConfiguration.parse(raw);
  const state = new AgentState(config.network);
  const deps: LoopDeps = {
    config,
    timings: { ...AGENT_TIMINGS, local: { baseMs: 1, capMs: 5 }, dockerResyncMs: 20 },
    clock: systemClock,
    logger: createLogger('test', 'silent'),
    metrics: new Metrics('test'),
    readiness: new Readiness(),
    random: () => 1,
    newNodeId: () => 'n1',
    hostName: 'h1',
    routeSource: async () => '10.0.0.1',
    connectMaster: new FakeMasters().connect,
    ports: {
      dataplane: new FakeDataplane(),
      ipam: new FakeIpam(),
      mesosFiles: new FakeCniDirectory('mesos'),
      conflists: new FakeCniDirectory('conflist'),
      docker,
    },
    nodeId: parseNodeId('n1'),
  };
  const metrics = declareMetrics(deps.metrics, state, store);
  const assign = (networks: readonly AgentNetwork[], deleted: readonly string[] = []) => {
    const registration = exampleRegistration(networks);
    state.setProgress(new Map(networks.map(({ networkId }) => [networkId, { kind: 'configured' }])));
    state.setRegistration({
      ...registration,
      networks: registration.networks.map((one) =>
        deleted.includes(one.id) ? { ...one, phase: NetworkPhase.DELETING } : one,
      ),
    });
  };
  const { signal } = stop;
  loops.push(followDocker(deps, state, metrics, signal), watchDocker(deps, state, signal));
  const stateOf = (name: string) =>
    state.assignment?.networks.find(({ network }) => network?.name === name)?.state ?? {
      status: 0,
      error: '',
    };
  const settles = async (name: string, status: NetworkStatus, text = '') => {
    const settled = () => stateOf(name).status === status && stateOf(name).error.includes(text);
    while (!settled()) await systemClock.sleep(2, signal);
    return stateOf(name);
  };
  return { docker, state, deps, assign, settles };
}

const a = exampleNetwork('a', 1);
const b = exampleNetwork('b', 2);
const overlayA = {
  networkId: a.networkId,
  name: 'a',
  subnet: a.dockerBridge?.ip ?? '',
  subnet6: a.dockerBridge?.ip6 ?? '',
  mtuBytes: 1420,
  pool: 'split',
} as const;

describe('followDocker', () => {
  it('makes the networks, tells who is on them, and writes nothing twice', async () => {
    const { docker, state, assign, settles } = host();
    assign([a, b]);
    await settles('b', OK);
    docker.start('web', 'a', '9.1.0.130');
    while (state.containers.length === 0) await systemClock.sleep(2);
    expect(state.containers).toMatchObject([{ containerId: 'id-web', network: 'a', ip: '9.1.0.130' }]);
    expect(state.capacities).toMatchObject([{ used: 1n, total: 125n }, { used: 0n }]);
    expect(docker.changes).toEqual(['+a', '+b']);
  });

  it('is not OK before Docker was looked at', async () => {
    const { state, assign } = host();
    assign([a]);
    expect(state.assignment?.networks[0]?.state).toMatchObject({ status: CONFIGURING });
    expect(state.removed).toEqual([]);
  });

  it('does without Docker where there is none, says so, and takes it up when it comes', async () => {
    const { docker, state, assign, settles } = host();
    docker.setTrouble(missing);
    assign([a]);
    expect((await settles('a', OK)).error).toContain('/fake/docker.sock');
    expect(state.capacities).toEqual([]);
    docker.setTrouble(undefined);
    while (state.docker?.up !== true) await systemClock.sleep(2);
    expect(await settles('a', OK)).toEqual({ status: OK, error: '' });
    expect(docker.changes).toEqual(['+a']);
  });

  it('waits for a Docker that is down, as it does for one that was here before', async () => {
    const { docker, state, assign, settles } = host();
    docker.setTrouble(refused);
    assign([a]);
    await settles('a', CONFIGURING, 'waiting for Docker on /fake/docker.sock');
    docker.setTrouble(undefined);
    await settles('a', OK);
    docker.start('web', 'a', '9.1.0.130');
    while (state.containers.length === 0) await systemClock.sleep(2);
    docker.setTrouble(missing);
    await settles('a', CONFIGURING, 'no such file');
    expect(state.containers).toHaveLength(1);
  });

  it('remembers over a restart that Docker was here', async () => {
    const before = host();
    before.assign([a]);
    await before.settles('a', OK);
    stop.abort();
    await Promise.all(loops);
    stop = new AbortController();
    const after = host(before.docker);
    after.docker.setTrouble(missing);
    after.assign([a]);
    await after.settles('a', CONFIGURING, 'waiting for Docker');
  });

  it("fails a network whose name is somebody else's, and mends it when that is gone", async () => {
    const { docker, state, assign, settles } = host();
    await docker.create({
      name: 'a',
      driver: 'macvlan',
      ipamDriver: 'default',
      ipv4: true,
      ipv6: false,
      internal: false,
      subnets: [],
      options: {},
      labels: {},
    });
    assign([a, b]);
    await settles('a', FAILED, 'driver is macvlan, must be bridge');
    await settles('b', OK);
    await docker.remove('net1');
    await settles('a', OK);
    expect(state.docker?.standing).toEqual(new Set([a.networkId, b.networkId]));
  });

  it('tries a refused network as often as allowed', async () => {
    const { docker, assign, settles } = host();
    docker.refusal = new OverlayError('internal', 'Pool overlaps with other one');
    assign([a]);
    await settles('a', FAILED, 'Pool overlaps');
    docker.refusal = undefined;
    await settles('a', OK);
  });

  it('makes a network anew whose MTU is not that of the configuration, once nobody is on it', async () => {
    const before = host();
    before.assign([a]);
    await before.settles('a', OK);
    stop.abort();
    await Promise.all(loops);
    stop = new AbortController();
    before.docker.start('web', 'a', '9.1.0.130');
    const { docker, assign, settles } = host(before.docker, { overlay_mtu: 1300 });
    assign([a]);
    await settles('a', FAILED, 'containers (web)');
    docker.removeContainer('web');
    await settles('a', OK);
    expect(docker.changes).toEqual(['+a', '-a', '+a']);
  });

  it('keeps a network that differs while stopped containers would come back on it', async () => {
    const before = host();
    before.assign([a]);
    await before.settles('a', OK);
    stop.abort();
    await Promise.all(loops);
    stop = new AbortController();
    before.docker.start('web', 'a', '9.1.0.130');
    before.docker.stop('web');
    const created = { network: 'a', networkId: '', ip: '', ip6: '' };
    before.docker.containers.push({
      id: 'id-new',
      name: 'new',
      running: false,
      labels: {},
      endpoints: [created],
    });
    const { docker, state, assign, settles } = host(before.docker, { overlay_mtu: 1300 });
    assign([a]);
    const { error } = await settles('a', FAILED, 'stopped containers refer to it (web, new)');
    expect(error).toContain('docker network disconnect a web');
    expect(error).toContain('mtu is 1420, must be 1300');
    expect(state.containers).toEqual([]);
    expect(docker.changes).toEqual(['+a']);
    docker.removeContainer('web');
    docker.removeContainer('new');
    await settles('a', OK);
    expect(docker.changes).toEqual(['+a', '-a', '+a']);
  });

  it('removes the network of a deleted overlay once nobody is on it', async () => {
    const { docker, state, assign, settles } = host();
    assign([a, b]);
    await settles('b', OK);
    docker.start('web', 'a', '9.1.0.130');
    state.setRemoved([a.networkId]);
    assign([a, b], [a.networkId]);
    await settles('a', CONFIGURING, 'containers (web)');
    expect(state.removed).toEqual([]);
    docker.stop('web');
    while (state.removed.length === 0) await systemClock.sleep(2);
    expect(docker.networks.map(({ name }) => name)).toEqual(['b']);
  });

  describe('with a network that others made as it has to be', () => {
    const made = async (docker = new FakeDockerNetworks()) => {
      await docker.create({ ...planDockerNetwork(overlayA, docker.engineVersion), labels: {} });
      return docker;
    };

    it('removes it with the overlay, once nobody is on it', async () => {
      const { docker, state, assign, settles } = host(await made());
      assign([a, b]);
      await settles('a', OK);
      docker.start('web', 'a', '9.1.0.130');
      state.setRemoved([a.networkId]);
      assign([a, b], [a.networkId]);
      await settles('a', CONFIGURING, 'containers (web)');
      expect(state.removed).toEqual([]);
      docker.stop('web');
      while (state.removed.length === 0) await systemClock.sleep(2);
      expect(docker.changes).toEqual(['+a', '+b', '-a']);
    });

    it('knows it over a restart, also when it is not as it has to be any more', async () => {
      const before = host(await made());
      before.assign([a]);
      await before.settles('a', OK);
      while ((await new DockerRecordFile(folder).read()).adopted.size === 0) await systemClock.sleep(2);
      stop.abort();
      await Promise.all(loops);
      stop = new AbortController();
      const { docker, state, assign, settles } = host(before.docker, { overlay_mtu: 1300 });
      docker.start('web', 'a', '9.1.0.130');
      assign([a]);
      await settles('a', FAILED, 'docker network rm a');
      state.setRemoved([a.networkId]);
      assign([a], [a.networkId]);
      await settles('a', CONFIGURING, 'containers (web)');
      expect(state.removed).toEqual([]);
      docker.stop('web');
      while (state.removed.length === 0) await systemClock.sleep(2);
      expect(docker.networks).toEqual([]);
    });

    it('leaves it where the host is to have no Docker half any more', async () => {
      const { docker, assign, settles } = host(await made());
      assign([a]);
      await settles('a', OK);
      stop.abort();
      await Promise.all(loops);
      stop = new AbortController();
      const after = host(docker, { docker_bridge: false });
      after.assign([a]);
      while (after.state.docker?.up !== true) await systemClock.sleep(2);
      expect([docker.changes, after.state.docker?.standing.size]).toEqual([['+a'], 1]);
    });
  });

  it('keeps the network of a disabled overlay', async () => {
    const { docker, assign, settles } = host();
    assign([a]);
    await settles('a', OK);
    const spec = a.network === undefined ? undefined : { ...a.network, disabled: true };
    assign([{ ...a, network: spec }, b]);
    await settles('b', OK);
    expect(docker.changes).toEqual(['+a', '+b']);
  });

  it('makes an isolated network only when its isolation is enforced', async () => {
    const { docker, state, assign, settles } = host();
    const isolated = exampleNetwork('a', 1, true);
    assign([isolated, b]);
    state.setProgress(new Map([[a.networkId, { kind: 'failed', error: 'no nftables' }]]));
    await settles('a', FAILED, 'isolation is not enforced yet');
    expect(docker.networks.map(({ name }) => name)).toEqual(['b']);
    state.setProgress(new Map([[a.networkId, { kind: 'configured' }]]));
    await settles('a', OK);
  });

  it('tells the IPv4 subnet of an engine that cannot do without, and no address of it', async () => {
    const { docker, state, assign, settles } = host();
    const dockerBridge = { name: 'd-a', ip: '', ip6: 'fd01:b::8000:0:0/81' };
    const network = NetworkSpec.create({ name: 'a', subnet6: 'fd01:b::/64', prefix6: 80 });
    assign([{ ...a, network, dockerBridge }]);
    expect((await settles('a', OK)).error).toContain('172.18.0.0/16');
    expect(docker.networks[0]?.labels).toEqual({ [NETWORK_ID_LABEL]: a.networkId });
    docker.start('web', 'a', '172.18.0.2', 'fd01:b::8000:0:2');
    while (state.containers.length === 0) await systemClock.sleep(2);
    expect(state.containers).toMatchObject([{ containerId: 'id-web', ip: '', ip6: 'fd01:b::8000:0:2' }]);
    expect(state.capacities).toMatchObject([{ family: 6, used: 1n }]);
  });

  it('removes its networks where Docker is not wanted any more, and then leaves it alone', async () => {
    const before = host();
    before.assign([a]);
    await before.settles('a', OK);
    stop.abort();
    await Promise.all(loops);
    stop = new AbortController();
    const { docker, state, assign, settles } = host(before.docker, { docker_bridge: false });
    assign([a]);
    await settles('a', OK);
    while (state.docker?.standing.size !== 0) await systemClock.sleep(2);
    expect(docker.changes).toEqual(['+a', '-a']);
    docker.setTrouble(refused);
    expect(await settles('a', OK)).toEqual({ status: OK, error: '' });
  });

  it('gives up what a Docker had that is gone for good and not wanted any more', async () => {
    const before = host();
    before.assign([a]);
    await before.settles('a', OK);
    stop.abort();
    await Promise.all(loops);
    stop = new AbortController();
    const { docker, state, assign } = host(before.docker, { docker_bridge: false });
    docker.setTrouble(missing);
    state.setRemoved([a.networkId]);
    assign([a], [a.networkId]);
    while (state.removed.length === 0) await systemClock.sleep(2);
    expect(state.docker?.standing).toEqual(new Set());
  });

  it('removes the network of an overlay that was deleted while Docker was stopped', async () => {
    const { docker, state, assign, settles } = host();
    assign([a, b]);
    await settles('b', OK);
    docker.setTrouble(missing);
    state.setRemoved([a.networkId]);
    assign([a, b], [a.networkId]);
    await settles('a', CONFIGURING, 'waiting for Docker');
    expect(state.removed).toEqual([]);
    docker.setTrouble(undefined);
    while (state.removed.length === 0) await systemClock.sleep(2);
    expect(docker.networks.map(({ name }) => name)).toEqual(['b']);
  });

  it('follows the containers of networks that are all disabled', async () => {
    const { docker, state, assign, settles } = host();
    assign([a]);
    await settles('a', OK);
    const spec = a.network === undefined ? undefined : { ...a.network, disabled: true };
    assign([{ ...a, network: spec }]);
    docker.start('web', 'a', '9.1.0.130');
    while (state.containers.length === 0) await systemClock.sleep(2);
    expect(state.containers).toMatchObject([{ network: 'a', ip: '9.1.0.130' }]);
  });
});
