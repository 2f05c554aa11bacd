import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NetworkSpec, NetworkStatus } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { systemClock } from '@overlay/service';
import { exampleNetwork } from '../configuration/example-registration.js';
import { NETWORK_ID_LABEL } from './plan-docker-network.js';
import { DockerFollowers } from './testing.js';

const { OK, FAILED, CONFIGURING } = NetworkStatus;
const missing = new OverlayError('not_found', 'no such file');
const refused = new OverlayError('unavailable', 'connection refused');

let agents: DockerFollowers;
beforeEach(() => {
  agents = new DockerFollowers();
});
afterEach(() => agents.remove());

const a = exampleNetwork('a', 1);
const b = exampleNetwork('b', 2);
describe('followDocker', () => {
  it('makes the networks, tells who is on them, and writes nothing twice', async () => {
    const { docker, state, assign, settles } = agents.host();
    assign([a, b]);
    await settles('b', OK);
    docker.start('web', 'a', '9.1.0.130');
    while (state.containers.length === 0) await systemClock.sleep(2);
    expect(state.containers).toMatchObject([{ containerId: 'id-web', network: 'a', ip: '9.1.0.130' }]);
    expect(state.capacities).toMatchObject([{ used: 1n, total: 125n }, { used: 0n }]);
    expect(docker.changes).toEqual(['+a', '+b']);
  });

  it('tells the addresses of a Docker that is down for long as silent, until it answers again', async () => {
    const { docker, state, assign, settles } = agents.host();
    assign([a]);
    await settles('a', OK);
    const silent = () => state.capacities.map((row) => row.silent);
    expect(silent()).toEqual([false]);
    docker.setTrouble(refused);
    while (silent()[0] === false) await systemClock.sleep(2);
    expect(state.capacities).toMatchObject([{ total: 125n, free: 125n, silent: true }]);
    docker.setTrouble(undefined);
    while (silent()[0] === true) await systemClock.sleep(2);
    expect(silent()).toEqual([false]);
  });

  it('is not OK before Docker was looked at', async () => {
    const { state, assign } = agents.host();
    assign([a]);
    expect(state.assignment?.networks[0]?.state).toMatchObject({ status: CONFIGURING });
    expect(state.removed).toEqual([]);
  });

  it('does without Docker where there is none, says so, and takes it up when it comes', async () => {
    const { docker, state, assign, settles } = agents.host();
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
    const { docker, state, assign, settles } = agents.host();
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
    const before = agents.host();
    before.assign([a]);
    await before.settles('a', OK);
    await agents.end();
    const after = agents.host(before.docker);
    after.docker.setTrouble(missing);
    after.assign([a]);
    await after.settles('a', CONFIGURING, 'waiting for Docker');
  });

  it("fails a network whose name is somebody else's, and mends it when that is gone", async () => {
    const { docker, state, assign, settles } = agents.host();
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

  it('fails a network that Docker refuses, and makes it when Docker takes it', async () => {
    const { docker, assign, settles } = agents.host();
    docker.refusal = new OverlayError('internal', 'Pool overlaps with other one');
    assign([a]);
    await settles('a', FAILED, 'Pool overlaps');
    docker.refusal = undefined;
    await settles('a', OK);
  });

  it('makes a network anew whose MTU is not that of the configuration, once nobody is on it', async () => {
    const before = agents.host();
    before.assign([a]);
    await before.settles('a', OK);
    await agents.end();
    before.docker.start('web', 'a', '9.1.0.130');
    const { docker, assign, settles } = agents.host(before.docker, { overlay_mtu: 1300 });
    assign([a]);
    await settles('a', FAILED, 'containers (web)');
    docker.removeContainer('web');
    await settles('a', OK);
    expect(docker.changes).toEqual(['+a', '-a', '+a']);
  });

  it('keeps a network that differs while stopped containers would come back on it', async () => {
    const before = agents.host();
    before.assign([a]);
    await before.settles('a', OK);
    await agents.end();
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
    const { docker, state, assign, settles } = agents.host(before.docker, { overlay_mtu: 1300 });
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

  it('keeps the network of a disabled overlay', async () => {
    const { docker, assign, settles } = agents.host();
    assign([a]);
    await settles('a', OK);
    const spec = a.network === undefined ? undefined : { ...a.network, disabled: true };
    assign([{ ...a, network: spec }, b]);
    await settles('b', OK);
    expect(docker.changes).toEqual(['+a', '+b']);
  });

  it('makes an isolated network only when its isolation is enforced', async () => {
    const { docker, state, assign, settles } = agents.host();
    const isolated = exampleNetwork('a', 1, true);
    assign([isolated, b]);
    state.setProgress(new Map([[a.networkId, { kind: 'failed', error: 'no nftables' }]]));
    await settles('a', FAILED, 'isolation is not enforced yet');
    expect(docker.networks.map(({ name }) => name)).toEqual(['b']);
    state.setProgress(new Map([[a.networkId, { kind: 'configured' }]]));
    await settles('a', OK);
  });

  it('tells the IPv4 subnet of an engine that cannot do without, and no address of it', async () => {
    const { docker, state, assign, settles } = agents.host();
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

  it('follows the containers of networks that are all disabled', async () => {
    const { docker, state, assign, settles } = agents.host();
    assign([a]);
    await settles('a', OK);
    const spec = a.network === undefined ? undefined : { ...a.network, disabled: true };
    assign([{ ...a, network: spec }]);
    docker.start('web', 'a', '9.1.0.130');
    while (state.containers.length === 0) await systemClock.sleep(2);
    expect(state.containers).toMatchObject([{ network: 'a', ip: '9.1.0.130' }]);
  });
});
