import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AgentNetwork, NetworkStatus } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { systemClock } from '@overlay/service';
import { exampleNetwork } from '../configuration/example-registration.js';
import { DockerRecordFile } from './docker-record-file.js';
import { FakeDockerNetworks } from './fake-docker-networks.js';
import { planDockerNetwork } from './plan-docker-network.js';
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
const overlayA = {
  networkId: a.networkId,
  name: 'a',
  subnet: a.dockerBridge?.ip ?? '',
  subnet6: a.dockerBridge?.ip6 ?? '',
  mtuBytes: 1420,
  pool: 'split',
} as const;

/** With a container `web` on the network of a deleted overlay: it stays for that, and for nothing longer. */
async function isRemovedOnceUnused(
  { docker, state, assign, settles }: ReturnType<DockerFollowers['host']>,
  networks: readonly AgentNetwork[],
): Promise<void> {
  state.setRemoved([a.networkId]);
  assign(networks, [a.networkId]);
  await settles('a', CONFIGURING, 'containers (web)');
  expect(state.removed).toEqual([]);
  docker.stop('web');
  while (state.removed.length === 0) await systemClock.sleep(2);
}

describe('followDocker, where a network is to go', () => {
  it('removes the network of a deleted overlay once nobody is on it', async () => {
    const followed = agents.host();
    const { docker, assign, settles } = followed;
    assign([a, b]);
    await settles('b', OK);
    docker.start('web', 'a', '9.1.0.130');
    await isRemovedOnceUnused(followed, [a, b]);
    expect(docker.networks.map(({ name }) => name)).toEqual(['b']);
  });

  describe('with a network that others made as it has to be', () => {
    const made = async (docker = new FakeDockerNetworks()) => {
      await docker.create({ ...planDockerNetwork(overlayA, docker.engineVersion), labels: {} });
      return docker;
    };

    it('removes it with the overlay, once nobody is on it', async () => {
      const followed = agents.host(await made());
      const { docker, assign, settles } = followed;
      assign([a, b]);
      await settles('a', OK);
      docker.start('web', 'a', '9.1.0.130');
      await isRemovedOnceUnused(followed, [a, b]);
      expect(docker.changes).toEqual(['+a', '+b', '-a']);
    });

    it('knows it over a restart, also when it is not as it has to be any more', async () => {
      const before = agents.host(await made());
      before.assign([a]);
      await before.settles('a', OK);
      while ((await new DockerRecordFile(agents.folder).read()).adopted.size === 0)
        await systemClock.sleep(2);
      await agents.end();
      const followed = agents.host(before.docker, { overlay_mtu: 1300 });
      const { docker, assign, settles } = followed;
      docker.start('web', 'a', '9.1.0.130');
      assign([a]);
      await settles('a', FAILED, 'docker network rm a');
      await isRemovedOnceUnused(followed, [a]);
      expect(docker.networks).toEqual([]);
    });

    it('leaves it where the host is to have no Docker half any more', async () => {
      const { docker, assign, settles } = agents.host(await made());
      assign([a]);
      await settles('a', OK);
      await agents.end();
      const after = agents.host(docker, { docker_bridge: false });
      after.assign([a]);
      while (after.state.docker?.up !== true) await systemClock.sleep(2);
      expect([docker.changes, after.state.docker?.standing.size]).toEqual([['+a'], 1]);
    });
  });

  it('removes its networks where Docker is not wanted any more, and then leaves it alone', async () => {
    const before = agents.host();
    before.assign([a]);
    await before.settles('a', OK);
    await agents.end();
    const { docker, state, assign, settles } = agents.host(before.docker, { docker_bridge: false });
    assign([a]);
    await settles('a', OK);
    while (state.docker?.standing.size !== 0) await systemClock.sleep(2);
    expect(docker.changes).toEqual(['+a', '-a']);
    docker.setTrouble(refused);
    expect(await settles('a', OK)).toEqual({ status: OK, error: '' });
  });

  it('gives up what a Docker had that is gone for good and not wanted any more', async () => {
    const before = agents.host();
    before.assign([a]);
    await before.settles('a', OK);
    await agents.end();
    const { docker, state, assign } = agents.host(before.docker, { docker_bridge: false });
    docker.setTrouble(missing);
    state.setRemoved([a.networkId]);
    assign([a], [a.networkId]);
    while (state.removed.length === 0) await systemClock.sleep(2);
    expect(state.docker?.standing).toEqual(new Set());
  });

  describe('with a Docker that is not wanted any more, and not started yet', () => {
    const unwanted = async (dockerGoneMs?: number) => {
      const before = agents.host();
      before.assign([a]);
      await before.settles('a', OK);
      await agents.end();
      before.docker.setTrouble(missing);
      return agents.host(before.docker, { docker_bridge: false }, dockerGoneMs);
    };

    it('holds back that a deleted network is removed until it is', async () => {
      const { docker, state, assign } = await unwanted(60_000);
      state.setRemoved([a.networkId]);
      assign([a], [a.networkId]);
      while (state.docker === undefined) await systemClock.sleep(2);
      expect(state.removed).toEqual([]);
      docker.setTrouble(undefined);
      while (state.removed.length === 0) await systemClock.sleep(2);
      expect(docker.networks).toEqual([]);
    });

    it('removes its networks when it comes, however late', async () => {
      const { docker, state, assign } = await unwanted();
      assign([a]);
      while (state.docker?.standing.size !== 0) await systemClock.sleep(2);
      await agents.end();
      const after = agents.host(docker, { docker_bridge: false });
      after.assign([a]);
      while (after.state.docker?.standing.size !== 0) await systemClock.sleep(2);
      docker.setTrouble(undefined);
      while (docker.networks.length > 0) await systemClock.sleep(2);
      expect(docker.changes).toEqual(['+a', '-a']);
    });
  });

  it('removes the network of an overlay that was deleted while Docker was stopped', async () => {
    const { docker, state, assign, settles } = agents.host();
    assign([a, b]);
    await settles('b', OK);
    docker.setTrouble(missing);
    state.setRemoved([a.networkId]);
    assign([a, b], [a.networkId]);
    await settles('a', CONFIGURING, 'waiting for Docker');
    expect(state.removed).toEqual([]);
    const { count } = state.reconfigure;
    docker.setTrouble(undefined);
    while (state.removed.length === 0) await systemClock.sleep(2);
    expect(docker.networks.map(({ name }) => name)).toEqual(['b']);
    // The dataplane can be rid of it now.
    expect(state.reconfigure.count).toBe(count + 1);
  });
});
