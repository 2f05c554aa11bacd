import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Container, type Host, Testbed } from '@overlay/testbed';
import { EngineDockerNetworks } from '../src/docker/engine-docker-networks.js';
import { describeDockerNetworks } from './docker-networks-contract.js';

describe('a real Docker engine', () => {
  let testbed: Testbed;
  let host: Host;
  let docker: EngineDockerNetworks;
  const running = new Map<string, Container>();

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1 });
    host = testbed.host('h1');
    await host.startDocker();
    docker = new EngineDockerNetworks(host.paths.dockerSocket, 15_000);
  }, 60_000);
  afterAll(() => testbed?.close(), 60_000);

  describeDockerNetworks(() => ({
    docker,
    async start(name, network, ip) {
      running.set(name, await host.runDocker(network, { name, ip }));
    },
    async stop(name) {
      await host.docker.dockerOrFail('stop', '--time', '0', running.get(name)?.runtimeId ?? '');
    },
    async remove(name) {
      await running.get(name)?.remove();
    },
  }));

  it('ends the watch when it goes, and answers again when it is back', async () => {
    const { signal } = new AbortController();
    const changes = docker.watchChanges(signal)[Symbol.asyncIterator]();
    await changes.next();
    const end = (async () => {
      while ((await changes.next()).done !== true);
    })().catch(() => undefined);
    await host.docker.kill();
    await end;
    await expect(docker.version(signal)).rejects.toMatchObject({ code: 'unavailable' });
    await host.startDocker();
    expect(await docker.version(signal)).toMatch(/^\d+\./);
  });
});

describe('something else on the socket', () => {
  const { signal } = new AbortController();
  const cleanUps: (() => void)[] = [];
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
  });

  async function serve(answer: RequestListener): Promise<EngineDockerNetworks> {
    const folder = mkdtempSync(join(tmpdir(), 'overlay-docker-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const socket = join(folder, 'docker.sock');
    const server = createServer(answer);
    await new Promise<void>((resolve) => {
      server.listen(socket, resolve);
    });
    cleanUps.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return new EngineDockerNetworks(socket, 200);
  }

  it('is told apart from nothing at all', async () => {
    const missing = new EngineDockerNetworks('/nonexistent/docker.sock', 200);
    await expect(missing.version(signal)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('does not hold anybody up if it is silent', async () => {
    const silent = await serve(() => undefined);
    await expect(silent.version(signal)).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect(silent.list(signal)).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const changes = silent.watchChanges(signal)[Symbol.asyncIterator]();
    await expect(changes.next()).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('is Podman, which is not taken for Docker', async () => {
    const podman = await serve((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ Version: '4.3.1', Components: [{ Name: 'Podman Engine' }] }));
    });
    await expect(podman.version(signal)).rejects.toMatchObject({ code: 'unimplemented' });
  });
});
