import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AllocationHalf, NetworkServiceService } from '@overlay/contracts';
import { createRpcClient, type RpcClient } from '@overlay/rpc';
import { type AgentOverlayState, type Container, type Host, Testbed } from '@overlay/testbed';
import { eventually } from './agent-process.js';

interface Inspection {
  readonly Id: string;
  readonly EnableIPv6: boolean;
  readonly IPAM: { readonly Config: readonly { readonly Subnet: string; readonly Gateway: string }[] };
  readonly Options: Readonly<Record<string, string>>;
}

const BRIDGE = 'com.docker.network.bridge';
let testbed: Testbed;
let first: Host;
let second: Host;
let master: RpcClient<typeof NetworkServiceService>;

beforeAll(async () => {
  testbed = await Testbed.create({ hosts: 2 });
  [first, second] = [testbed.host('h1'), testbed.host('h2')];
  await first.startDocker();
  await testbed.start();
  await testbed.waitSettled(['dcos', 'dcos6']);
  master = createRpcClient(NetworkServiceService, { target: testbed.master.grpcAddress });
}, 120_000);
afterAll(async () => {
  master?.close();
  await testbed?.close();
}, 60_000);

async function inspect(host: Host, network: string): Promise<Inspection | undefined> {
  const answer = await host.docker.docker('network', 'inspect', network);
  const [found] = JSON.parse(answer.stdout === '' ? '[]' : answer.stdout) as readonly Inspection[];
  return found;
}

async function stateOf(host: Host, network: string): Promise<NonNullable<AgentOverlayState['state']>> {
  return (await host.overlay(network)).state ?? { status: 'none' };
}

function settles(host: Host, network: string, status: string, text = ''): Promise<unknown> {
  return eventually(`${network} ${status} ${text}`, async () => {
    const state = await stateOf(host, network);
    return state.status === status && (state.error ?? '').includes(text);
  });
}

const reported = async (network: string) =>
  (await master.listContainers({ network, agentIp: '', pageSize: 0, pageToken: '' })).containers;

describe('overlay-agent with a Docker engine', () => {
  it('makes a bridge network for each overlay on the Docker half', async () => {
    const { docker_bridge: half } = await first.overlay('dcos');
    const dcos = await inspect(first, 'dcos');
    expect(dcos).toMatchObject({ Driver: 'bridge', EnableIPv6: false });
    expect(dcos?.IPAM.Config.map(({ Subnet }) => Subnet)).toEqual([half?.ip]);
    expect(dcos?.Options).toMatchObject({
      [`${BRIDGE}.name`]: 'd-dcos',
      [`${BRIDGE}.enable_ip_masquerade`]: 'false',
      'com.docker.network.driver.mtu': '1420',
    });
    const { docker_bridge: half6 } = await first.overlay('dcos6');
    const dcos6 = await inspect(first, 'dcos6');
    expect(dcos6).toMatchObject({ EnableIPv6: true, Options: { [`${BRIDGE}.name`]: 'd-dcos6' } });
    const own = dcos6?.IPAM.Config.filter(({ Subnet }) => !Subnet.includes(':')).map(({ Subnet }) => Subnet);
    expect(dcos6?.IPAM.Config.map(({ Subnet }) => Subnet)).toEqual([...(own ?? []), half6?.ip6]);
    for (const subnet of own ?? []) expect((await stateOf(first, 'dcos6')).error).toContain(subnet);
  });

  it('is well without Docker, says so, and takes it up when it comes', async () => {
    const state = await stateOf(second, 'dcos');
    expect(state).toMatchObject({ status: 'STATUS_OK' });
    expect(state.error).toContain(second.paths.dockerSocket);
    await second.startDocker();
    await second.waitDockerNetwork('dcos');
    await settles(second, 'dcos', 'STATUS_OK');
    await eventually('no more to say', async () => (await stateOf(second, 'dcos')).error === undefined);
  });

  it('tells the master of containers and of what is left of the half', async () => {
    const container = await first.runDocker('dcos', { name: 'web', args: ['--label', 'app=web'] });
    const told = await eventually('the container', async () => (await reported('dcos'))[0]);
    expect(told).toMatchObject({
      containerId: container.runtimeId,
      half: AllocationHalf.DOCKER,
      ip: container.ipv4,
      agentIp: first.address.ipv4,
      labels: { app: 'web' },
    });
    const rows = async () => {
      const request = { network: 'dcos', minFree: 0n, pageSize: 0, pageToken: '' };
      const { capacities } = await master.getCapacity(request);
      return capacities.filter(
        ({ half, agentIp }) => half === AllocationHalf.DOCKER && agentIp === first.address.ipv4,
      );
    };
    expect(await rows()).toMatchObject([{ family: 4, total: 29n, used: 1n, free: 28n }]);
    await container.remove();
    await eventually('nobody', async () => (await reported('dcos')).length === 0);
    expect(await rows()).toMatchObject([{ used: 0n, free: 29n }]);
  });

  it('adopts an equal network, refuses a different one, and mends that when it is gone', async () => {
    await second.agent.stop();
    const { docker } = second;
    const ours = await inspect(second, 'dcos');
    const { Subnet: subnet = '' } = ours?.IPAM.Config[0] ?? {};
    await docker.dockerOrFail('network', 'rm', 'dcos', 'dcos6');
    const likeDcos = [`${BRIDGE}.name=d-dcos`, `${BRIDGE}.enable_ip_masquerade=false`];
    const options = [...likeDcos, 'com.docker.network.driver.mtu=1420'].flatMap((option) => [
      '--opt',
      option,
    ]);
    const adopted = await docker.dockerOrFail('network', 'create', '--subnet', subnet, ...options, 'dcos');
    const foreign = await docker.dockerOrFail('network', 'create', '--subnet', '10.99.0.0/24', 'dcos6');
    await second.agent.start();
    await settles(second, 'dcos6', 'STATUS_FAILED', 'docker network rm dcos6');
    await settles(second, 'dcos', 'STATUS_OK');
    expect([(await inspect(second, 'dcos'))?.Id, (await inspect(second, 'dcos6'))?.Id]).toEqual([
      adopted,
      foreign,
    ]);
    await docker.dockerOrFail('network', 'rm', 'dcos6');
    await settles(second, 'dcos6', 'STATUS_OK');
    expect((await inspect(second, 'dcos6'))?.Options[`${BRIDGE}.name`]).toBe('d-dcos6');
  });

  it('waits for an engine that is down, and has its containers back with it', async () => {
    const container = await first.runDocker('dcos', { args: ['--restart', 'always'] });
    await first.docker.stop();
    await settles(first, 'dcos', 'STATUS_CONFIGURING', first.paths.dockerSocket);
    await first.startDocker();
    await settles(first, 'dcos', 'STATUS_OK');
    const back = await eventually('the container', async () => (await reported('dcos'))[0]);
    expect(back.containerId).toBe(container.runtimeId);
    await eventually('an answer', async () => (await first.ping(back.ip)).ok);
    await container.remove();
    const { stdout } = await first.exec(['curl', '--silent', 'http://127.0.0.1:5051/metrics']);
    expect(stdout).toMatch(/overlay_docker_cmd_failures_total\{[^}]*\} [1-9]/);
  });

  it('removes the network with the overlay, once nobody is on it', async () => {
    const container: Container = await first.runDocker('dcos', { name: 'late' });
    await eventually('the container', async () => (await reported('dcos')).length === 1);
    await expect(master.deleteNetwork({ name: 'dcos', force: false })).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    await master.deleteNetwork({ name: 'dcos', force: true });
    await eventually('the reason', async () =>
      ((await stateOf(first, 'dcos')).error ?? '').includes('containers (late)'),
    );
    await container.remove();
    await eventually('no network on h1', async () => (await inspect(first, 'dcos')) === undefined);
    await eventually('no network anywhere', async () => {
      const { networks } = await master.listNetworks({ pageSize: 0, pageToken: '' });
      return networks.every(({ spec }) => spec?.name !== 'dcos');
    });
    expect(await inspect(first, 'dcos6')).toBeDefined();
    // The one that was made by hand and adopted goes too: nothing of the overlay stays on any host.
    expect(await inspect(second, 'dcos')).toBeUndefined();
  });
});
