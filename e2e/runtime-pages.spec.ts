import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { DOCKER_IMAGE, type Host, Testbed } from '@overlay/testbed';
import { runProcedure } from './documented-procedure.js';

jest.setTimeout(120_000);

const NETWORKS = ['dcos', 'dcos6'];
const IN_DCOS = /^9\.\d+\.\d+\.\d+$/m;
const IN_DCOS6 = /^fd01:b:[0-9a-f:]+$/m;

describe('the commands of the pages in docs/runtimes', () => {
  let testbed: Testbed;
  let host: Host;

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1, label: 'runtime-pages', docker: true });
    host = testbed.host('h1');
    await testbed.start('listening');
    await testbed.waitSettled(NETWORKS, 60_000);
    await Promise.all(NETWORKS.map((network) => host.waitDockerNetwork(network)));
  });

  afterAll(async () => {
    await host?.podman.podman('rm', '--all', '--force', '--time', '0'); // they are in no control group of the testbed
    await testbed?.close();
  });

  it('docker.md: networks, containers, an address of choice, published ports, capacity', async () => {
    const half = (await host.overlay('dcos')).docker_bridge?.ip ?? '';
    const lastByte = Number(half.split('/')[0]?.split('.')[3]);
    const address = half.replace(/\.\d+\/\d+$/, `.${lastByte + 20}`);
    await host.docker.dockerOrFail('run', '--detach', '--name', 'lonely', DOCKER_IMAGE);
    const surroundings = {
      page: 'docs/runtimes/docker.md',
      folder: testbed.folder,
      variables: {
        DOCKER_HOST: `unix://${host.paths.dockerSocket}`,
        HOME: testbed.folder,
        IMAGE: DOCKER_IMAGE,
        ADDRESS: address,
        CONTAINER: 'lonely',
        MASTER: testbed.master.grpcAddress,
      },
    };
    const networks = await runProcedure('Set up', 0, surroundings);
    expect(networks).toContain(`dcos ${half.replace(/\d+\//, `${lastByte}/`)}`);
    const run = await runProcedure('Run containers', 0, surroundings);
    expect(run).toMatch(IN_DCOS);
    expect(run).toMatch(IN_DCOS6);
    await runProcedure('Run containers', 1, surroundings);
    expect((await host.docker.inspect('db', 'dcos')).addresses[0]?.address).toContain(`${address}/`);
    expect(await runProcedure('Run containers', 2, surroundings)).toContain('80/tcp -> 0.0.0.0:8080');
    await host.docker.dockerOrFail('rm', '--force', 'api');
    await runProcedure('Run containers', 3, surroundings);
    expect((await host.docker.inspect('lonely', 'dcos')).addresses).toHaveLength(1);
    expect(await runProcedure('How many addresses are left', 0, surroundings)).toContain('dcos');
  });

  it('podman.md: the configuration, networks, containers, published ports, removal', async () => {
    const page = 'docs/runtimes/podman.md';
    await host.podman.importImage('localhost/overlay-testbed');
    const used = readFileSync(host.podman.env.CONTAINERS_CONF ?? '', 'utf8');
    const text = readFileSync(join(__dirname, '..', page), 'utf8');
    for (const key of ['network_backend', 'cni_plugin_dirs', 'network_config_dir']) {
      expect(text).toMatch(new RegExp(`^${key} = `, 'm'));
      expect(used).toMatch(new RegExp(`^${key} = `, 'm'));
    }
    const surroundings = {
      page,
      folder: testbed.folder,
      enter: host.podman.enter,
      variables: { ...host.podman.env, IMAGE: 'localhost/overlay-testbed' },
    };
    const run = await runProcedure('Run containers', 0, surroundings);
    expect(run).toContain('dcos6');
    expect(run).toMatch(IN_DCOS);
    expect(run).toMatch(IN_DCOS6);
    expect(await runProcedure('Run containers', 1, surroundings)).toContain('80/tcp -> 0.0.0.0:8080');
    await runProcedure('Run containers', 2, surroundings);
    expect(await host.podman.podmanOrFail('ps', '--all', '--quiet')).toBe('');
  });
});
