import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { IpamServiceService } from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';
import {
  type CniChain,
  type CommandResult,
  type Container,
  cniEnvironment,
  DOCKER_IMAGE,
  type Host,
  OUTSIDE,
  runOrFail,
  Testbed,
} from '@overlay/testbed';
import { inParallel } from './in-parallel.js';
import { killProcess, listPluginProcesses } from './plugin-processes.js';
import { forgetKernelState } from './reboot.js';
import { SeededRandom } from './seeded-random.js';
import { waitUntil } from './wait-until.js';

jest.setTimeout(180_000);

const CNI_STARTS = 90;
const DOCKER_STARTS = 10;
/** The kill of any plugin ends a start: this many leave dead and living ones on a machine of any speed. */
const PLUGIN_KILLS = 45;
/** Of the CNI half of a /24: all but network, gateway and broadcast address. */
const WIDE_USABLE = 125;
/** Of the Docker half of a /28. */
const FEW_USABLE = 5;
const VTEPS = {
  vtep_subnet: '44.128.0.0/20',
  vtep_subnet6: 'fd01:a::/64',
  vtep_mac_oui: '70:B3:D5:00:00:00',
};
const OVERLAYS = [
  { name: 'wide', subnet: '10.64.0.0/16', prefix: 24 },
  { name: 'few', subnet: '10.65.0.0/16', prefix: 28 },
];
const NETWORKS = OVERLAYS.map(({ name }) => name);
const random = SeededRandom.fromEnvironment();

/** One container start through CNI, by a runtime that does not clean up after itself. */
interface Start {
  readonly containerId: string;
  readonly netns: string;
  readonly ifname: string;
}

describe(`a host whose runtimes fail (OVERLAY_SEED=${random.seed})`, () => {
  let testbed: Testbed;
  let host: Host;

  /** One plugin of a network, called as it is; nothing is undone when it fails. */
  function call(
    command: 'ADD' | 'DEL',
    chain: CniChain,
    start: Start,
    type = 'bridge',
  ): Promise<CommandResult> {
    const [plugin] = chain.plugins;
    const input = JSON.stringify({ ...plugin, cniVersion: chain.cniVersion, name: chain.name });
    return host.cni.call({ type, input, env: cniEnvironment(command, start) });
  }

  /** GC keeps these and frees everybody else's (CNI 1.1.0). */
  async function collect(chain: CniChain, living: readonly Start[]): Promise<void> {
    const [plugin] = chain.plugins;
    const valid = living.map(({ containerId, ifname }) => ({ containerID: containerId, ifname }));
    const input = { ...plugin, cniVersion: '1.1.0', name: chain.name, 'cni.dev/valid-attachments': valid };
    const env = { CNI_COMMAND: 'GC' };
    const outcome = await host.cni.call({ type: 'overlay-ipam', input: JSON.stringify(input), env });
    expect(outcome).toMatchObject({ exitCode: 0 });
  }

  /** Addresses that ipam holds for containers of a network, by container. */
  async function held(network: string): Promise<ReadonlyMap<string, string>> {
    const client = createRpcClient(IpamServiceService, { target: `unix:${host.paths.ipamSocket}` });
    try {
      const { allocations } = await client.listAllocations({ network, pageSize: 1000, pageToken: '' });
      return new Map(
        allocations.map(({ owner, addresses }) => [owner?.containerId ?? '', addresses[0]?.address ?? '']),
      );
    } finally {
      client.close();
    }
  }

  /** Kills plugins at any moment of the starts, ipam and dockerd now and then, until the starts are over. */
  async function wreak(starts: Promise<unknown>): Promise<void> {
    let over = false;
    const ending = starts.finally(() => {
      over = true;
    });
    const plugins = async (): Promise<void> => {
      for (let kills = 0; !over && kills < PLUGIN_KILLS; ) {
        await sleep(random.below(120));
        const [victim] = random.shuffle(listPluginProcesses(testbed.name));
        if (victim === undefined) continue;
        killProcess(victim);
        kills += 1;
      }
    };
    const daemons = async (): Promise<void> => {
      for (const daemon of random.shuffle([host.ipam, host.docker, host.ipam])) {
        await sleep(random.below(800));
        if (!over) await daemon.restart();
      }
    };
    await Promise.all([ending, plugins(), daemons()]);
  }

  function runDocker(): Promise<CommandResult> {
    return host.docker.docker(
      'run',
      '--detach',
      '--init',
      '--network',
      'few',
      DOCKER_IMAGE,
      'sleep',
      'infinity',
    );
  }

  beforeAll(async () => {
    testbed = await Testbed.create({
      hosts: 1,
      label: 'runtime-faults',
      docker: true,
      master: { network: { ...VTEPS, overlays: OVERLAYS } },
    });
    host = testbed.host('h1');
    await testbed.start('listening');
    await testbed.waitSettled(NETWORKS, 60_000);
    await Promise.all(NETWORKS.map((network) => host.waitDockerNetwork(network)));
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it('starts 100 containers at once under kill -9 of plugins, ipam and dockerd, and loses no address', async () => {
    const chain = host.cniChain('wide', true);
    const starts = Array.from({ length: CNI_STARTS }, (_, index): Start => {
      const containerId = `${host.namespace}-f${index}`;
      return { containerId, netns: `/run/netns/${containerId}`, ifname: 'eth0' };
    });
    const namespaces = (verb: 'add' | 'del', which: readonly Start[]): Promise<string> => {
      const lines = which.map(({ containerId }) => `netns ${verb} ${containerId}\n`);
      return runOrFail(['ip', '-batch', '-'], { input: lines.join('') });
    };
    await namespaces('add', starts);
    const adds = Promise.all(starts.map(async (start) => ({ start, ...(await call('ADD', chain, start)) })));
    const runs = Promise.all(Array.from({ length: DOCKER_STARTS }, runDocker));
    await wreak(Promise.all([adds, runs]));
    await waitUntil('no plugin runs', () => listPluginProcesses(testbed.name).length === 0);

    const started = (await adds).filter(({ exitCode }) => exitCode === 0).map(({ start }) => start);
    expect(started.length).toBeGreaterThan(0);
    const failed = starts.filter((start) => !started.includes(start));
    const [deleted, gone] = [failed.filter((_, at) => at % 2 === 0), failed.filter((_, at) => at % 2 === 1)];
    for (const outcome of await inParallel(8, deleted, (start) => call('DEL', chain, start))) {
      expect(outcome).toMatchObject({ exitCode: 0 });
    }
    await namespaces('del', gone);
    await collect(chain, started);
    const records = await held('wide');
    expect([...records.keys()].sort()).toEqual(started.map(({ containerId }) => containerId).sort());
    expect(new Set(records.values()).size).toBe(records.size);
    for (const { containerId } of started) {
      const shown = await runOrFail(['ip', '-n', containerId, '-brief', '-4', 'address', 'show', 'eth0']);
      expect(shown.split(/\s+/)).toContain(records.get(containerId));
    }

    const fillers = Array.from({ length: WIDE_USABLE - started.length }, (_, index): Start => {
      return { containerId: `fill${index}`, netns: `/run/netns/${host.namespace}`, ifname: 'eth0' };
    });
    for (const outcome of await inParallel(8, fillers, (start) =>
      call('ADD', chain, start, 'overlay-ipam'),
    )) {
      expect(outcome).toMatchObject({ exitCode: 0 });
    }
    expect(new Set((await held('wide')).values()).size).toBe(WIDE_USABLE);
    const late = { containerId: 'late', netns: `/run/netns/${host.namespace}`, ifname: 'late0' };
    const refusal = await call('ADD', chain, late);
    expect(JSON.parse(refusal.stdout)).toMatchObject({
      code: 100,
      msg: expect.stringMatching(new RegExp(`wide.*${WIDE_USABLE} of ${WIDE_USABLE} IPv4 addresses`)),
    });
    await namespaces('del', [...started, ...deleted]);
    await collect(chain, []);
    expect(await held('wide')).toEqual(new Map());
  });

  it('fills the Docker half to exactly its size after all that, and refuses the next clearly', async () => {
    const wrecks = await host.docker.dockerOrFail('ps', '--all', '--quiet');
    if (wrecks !== '') await host.docker.dockerOrFail('rm', '--force', ...wrecks.split('\n'));
    const containers: Container[] = [];
    for (let count = 0; count < FEW_USABLE; count += 1) containers.push(await host.runDocker('few'));
    expect(new Set(containers.map(({ ipv4 }) => ipv4)).size).toBe(FEW_USABLE);
    expect(await runDocker()).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('no available'),
    });
    for (const container of containers) await container.remove();
  });

  it('comes back from a power cut without master: dockerd first, then the last assignment', async () => {
    const before = await host.overlays();
    const chain = host.cniChain('wide');
    const lost = await host.attachCni('wide');
    const kept = await host.runDocker('few', { args: ['--restart', 'always'] });
    await testbed.master.kill();
    await host.kill();
    await host.docker.powerOff();
    await forgetKernelState(host);
    await runOrFail(['ip', '-batch', '-'], {
      input: host.containers.map(({ namespace }) => `netns del ${namespace}\n`).join(''),
    });

    await host.startDocker(20_000);
    await host.start('listening');
    await waitUntil('the host has what it had', async () => {
      const { overlays = [] } = await host.overlays();
      return (
        overlays.length === NETWORKS.length && overlays.every(({ state }) => state?.status === 'STATUS_OK')
      );
    });
    expect((await host.overlays()).overlays).toEqual(before.overlays);
    await host.cni.del(chain, { containerId: lost.namespace, ifname: 'eth0' });
    expect(await held('wide')).toEqual(new Map());

    const again = await host.docker.inspect(kept.runtimeId ?? '', 'few');
    const fresh = await host.attachCni('wide');
    await testbed.outside.serveEcho();
    expect(await fresh.tcp(OUTSIDE.ipv4)).toMatchObject({ ok: true, seenAs: host.address.ipv4 });
    const [address = ''] = again.addresses.map((each) => each.address.split('/')[0]);
    expect(await fresh.ping(address)).toMatchObject({ ok: true });
    await testbed.master.start();
    await testbed.waitSettled(NETWORKS);
  });
});
