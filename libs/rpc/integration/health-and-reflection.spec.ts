import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  HealthCheckResponse_ServingStatus,
  HealthService,
  type HealthCheckResponse_ServingStatus as ServingStatus,
} from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';
import { startTestServer, type TestServer } from './test-server.js';

const BUF = join(__dirname, '../../../node_modules/.bin/buf');
const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;

let server: TestServer;
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'overlay-buf-'));
  server = await startTestServer({
    ipam: {
      async reserve(request) {
        return { ips: [...request.requestedIps, request.network], expiresAtMs: request.ttlMs };
      },
    },
  });
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('health checks', () => {
  it('tell the whole server and every service as serving', async () => {
    const health = createRpcClient(HealthService, { target: server.target });
    const names = ['', 'overlay.v1.IpamService', 'overlay.v1.MasterService', 'overlay.v1.DataplaneService'];
    for (const service of names)
      await expect(health.check({ service })).resolves.toEqual({ status: SERVING });
    await expect(health.check({ service: 'overlay.v1.Other' })).rejects.toMatchObject({ code: 'not_found' });
    health.close();
  });

  it('tell what setServing says, each service for itself', async () => {
    const health = createRpcClient(HealthService, { target: server.target });
    server.server.setServing('overlay.v1.IpamService', false);
    await expect(health.check({ service: 'overlay.v1.IpamService' })).resolves.toEqual({
      status: NOT_SERVING,
    });
    await expect(health.check({ service: '' })).resolves.toEqual({ status: SERVING });
    server.server.setServing('overlay.v1.IpamService', true);
    await expect(health.check({ service: 'overlay.v1.IpamService' })).resolves.toEqual({ status: SERVING });
    health.close();
  });

  it('can be watched', async () => {
    const health = createRpcClient(HealthService, { target: server.target });
    const seen: ServingStatus[] = [];
    for await (const response of health.watch({ service: '' })) {
      seen.push(response.status);
      if (seen.length === 3) break;
      server.server.setServing('', seen.length === 2);
    }
    expect(seen).toEqual([SERVING, NOT_SERVING, SERVING]);
    for await (const response of health.watch({ service: 'overlay.v1.Other' })) {
      expect(response.status).toBe(SERVICE_UNKNOWN);
      break;
    }
    health.close();
  });
});

describe('a closing server', () => {
  it('ends the watches of its health at once', async () => {
    const health = createRpcClient(HealthService, { target: server.target });
    const closes = { code: 'unavailable', message: expect.stringContaining('closing') };
    const watch = async () => {
      for await (const _ of health.watch({ service: '' })) await server.server.close(60_000);
    };
    await expect(watch()).rejects.toMatchObject(closes);
    health.close();
  });
});

describe('reflection, as buf uses it', () => {
  /** Runs buf from a folder without a buf.yaml, so that reflection is all that it knows. */
  async function curl(...args: readonly string[]): Promise<string> {
    const common = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge'];
    const environment = { ...process.env, BUF_CACHE_DIR: join(folder, 'cache'), HOME: folder };
    const { stdout } = await promisify(execFile)(BUF, [...common, ...args], {
      cwd: folder,
      env: environment,
    });
    return stdout;
  }

  it('lists the services', async () => {
    const services = (await curl('--list-services', `http://${server.target}`)).trim().split('\n');
    expect(services.toSorted()).toEqual([
      'grpc.health.v1.Health',
      'overlay.v1.DataplaneService',
      'overlay.v1.IpamService',
      'overlay.v1.MasterService',
    ]);
  }, 30_000);

  it('lists the methods of every service', async () => {
    const methods = await curl('--list-methods', `http://${server.target}`);
    expect(methods.trim().split('\n')).toEqual(
      expect.arrayContaining([
        'grpc.health.v1.Health/Watch',
        'overlay.v1.DataplaneService/ApplyPeers',
        'overlay.v1.IpamService/Reserve',
        'overlay.v1.MasterService/WatchTopology',
      ]),
    );
  }, 30_000);

  it.each(['grpc-v1', 'grpc-v1alpha'])(
    'describes a method well enough to call it (%s)',
    async (protocol) => {
      const data = { network: 'dcos', half: 'ALLOCATION_HALF_CNI', requestedIps: ['9.0.0.7'], ttlMs: '5' };
      const url = `http://${server.target}/overlay.v1.IpamService/Reserve`;
      const answer = await curl('--reflect-protocol', protocol, '--data', JSON.stringify(data), url);
      expect(JSON.parse(answer)).toEqual({ ips: ['9.0.0.7', 'dcos'], expiresAtMs: '5' });
    },
    30_000,
  );

  it('describes health checking', async () => {
    const answer = await curl(
      '--data',
      '{"service":""}',
      `http://${server.target}/grpc.health.v1.Health/Check`,
    );
    expect(JSON.parse(answer)).toEqual({ status: 'SERVING' });
  }, 30_000);

  it('answers INVALID_ARGUMENT to bytes that are no request', async () => {
    const raw = new Client(server.target, credentials.createInsecure());
    const failure = await new Promise((resolve) => {
      const same = (bytes: Buffer) => bytes;
      const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
      const call = raw.makeBidiStreamRequest(path, same, same);
      call.on('error', resolve);
      call.on('data', () => undefined);
      call.write(Buffer.from([0x0a, 0xff, 0xff]));
    });
    raw.close();
    expect(failure).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(server.internalErrors).toEqual([]);
  });

  it('knows nothing of a service that is not there', async () => {
    await expect(curl('--data', '{}', `http://${server.target}/overlay.v1.Other/Do`)).rejects.toMatchObject({
      stderr: expect.stringContaining('overlay.v1.Other'),
    });
    expect(server.internalErrors).toEqual([]);
  }, 30_000);
});
