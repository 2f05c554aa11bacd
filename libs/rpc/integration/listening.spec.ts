import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { WatchTopologyResponse } from '@overlay/contracts';
import type { ListenAddress } from '@overlay/model';
import { startRpcServer } from '@overlay/rpc';
import { createCertificates } from '@overlay/testbed';
import { aborted, LOOPBACK, startTestServer, type TestServer, whenCalled } from './test-server.js';

const REQUEST = { nodeId: 'n1', fromRevision: 0n };

describe('a listening server', () => {
  let folder = '';
  const servers: TestServer[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'overlay-rpc-'));
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (...args: Parameters<typeof startTestServer>): Promise<TestServer> => {
    const server = await startTestServer(...args);
    servers.push(server);
    return server;
  };

  /** A stream that stays open until its signal aborts. */
  const openStream = (ended: () => void) =>
    async function* (_request: unknown, { signal }: { readonly signal: AbortSignal }) {
      yield { frame: undefined, stale: '' } satisfies WatchTopologyResponse;
      await aborted(signal);
      ended();
    };

  it('says which port it found', async () => {
    const { server } = await start({});
    expect(server.address).toMatchObject({ kind: 'tcp', host: '127.0.0.1' });
    expect(server.address.kind === 'tcp' && server.address.port).toBeGreaterThan(0);
  });

  it('listens on a unix socket that only its own user may use', async () => {
    const path = join(folder, 'grpc.sock');
    const { ipam, server } = await start(
      { ipam: { getCapacity: async () => ({ capacities: [] }) } },
      { kind: 'unix', path },
    );
    expect(server.address).toEqual({ kind: 'unix', path });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(ipam.getCapacity({ network: '' })).resolves.toEqual({ capacities: [] });
  });

  it('names the key of a taken port, and leaves its owner alone', async () => {
    const owner = await start({ ipam: { getCapacity: async () => ({ capacities: [] }) } });
    const listen = { key: 'listen.grpc', address: owner.server.address };
    await expect(
      startRpcServer({ listen, services: [], onInternalError: () => undefined }),
    ).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(/^listen\.grpc: cannot listen on 127\.0\.0\.1:\d+: listen EADDRINUSE/),
    });
    await expect(owner.ipam.getCapacity({ network: '' })).resolves.toEqual({ capacities: [] });
  });

  it('names the key of a socket path that is taken or has no folder', async () => {
    const path = join(folder, 'grpc.sock');
    await start({}, { kind: 'unix', path });
    for (const wrong of [path, join(folder, 'missing', 'grpc.sock')]) {
      const listen = { key: 'listen.grpc', address: { kind: 'unix', path: wrong } as const };
      await expect(
        startRpcServer({ listen, services: [], onInternalError: () => undefined }),
      ).rejects.toMatchObject({
        code: 'failed_precondition',
        message: expect.stringContaining(`listen.grpc: cannot listen on unix:${wrong}`),
      });
    }
  });

  it('lets open calls end in their time, takes no new ones, and then is gone', async () => {
    const started = whenCalled();
    const answer = whenCalled();
    const server = await start({
      ipam: {
        async getCapacity() {
          started.call();
          await answer.called;
          return { capacities: [] };
        },
      },
    });
    const call = server.ipam.getCapacity({ network: '' });
    await started.called;
    const closed = server.server.close(60_000);
    answer.call();
    await expect(call).resolves.toEqual({ capacities: [] });
    await closed;
    await expect(server.ipam.getCapacity({ network: '' })).rejects.toMatchObject({ code: 'unavailable' });
  });

  /** Over a unix socket no keepalive would end a call before the test ends. */
  const addressOf = (kind: 'unix' | 'tcp'): ListenAddress =>
    kind === 'unix' ? { kind, path: join(folder, 'grpc.sock') } : LOOPBACK;

  it.each(['unix', 'tcp'] as const)('cancels open calls after the grace, on both sides: %s', async (kind) => {
    const started = whenCalled();
    const ended = whenCalled();
    const { server, ipam, internalErrors } = await start(
      {
        ipam: {
          async getCapacity(_request, { signal }) {
            started.call();
            await aborted(signal);
            ended.call();
            return { capacities: [] };
          },
        },
      },
      addressOf(kind),
    );
    const call = ipam.getCapacity({ network: '' });
    const failed = expect(call).rejects.toMatchObject({
      code: expect.stringMatching(/^(unavailable|aborted)$/),
    });
    await started.called;
    await Promise.all([server.close(20), server.close(20)]);
    await failed;
    await ended.called;
    expect(internalErrors).toEqual([]);
  });

  it.each(['unix', 'tcp'] as const)('ends streams at once, on both sides: %s', async (kind) => {
    const ended = whenCalled();
    const taken = whenCalled();
    const { server, master, dataplane, internalErrors } = await start(
      {
        master: { watchTopology: openStream(ended.call) },
        dataplane: {
          async applyPeers(requests) {
            for await (const _ of requests) taken.call();
            return { appliedRevision: 0n, written: 0n };
          },
        },
      },
      addressOf(kind),
    );
    const closes = expect.objectContaining({
      code: 'unavailable',
      message: expect.stringContaining('closing'),
    });
    async function* frames() {
      yield { frame: undefined };
      await ended.called;
      await new Promise(() => undefined);
    }
    const applied = expect(dataplane.applyPeers(frames())).rejects.toEqual(closes);
    const read = async () => {
      for await (const _ of master.watchTopology(REQUEST)) {
        await taken.called;
        await server.close(60_000);
      }
    };
    await expect(read()).rejects.toEqual(closes);
    await ended.called;
    await applied;
    expect(internalErrors).toEqual([]);
  });

  it('answers a stream of requests that has come in whole', async () => {
    const taken = whenCalled();
    const answer = whenCalled();
    const { server, dataplane } = await start({
      dataplane: {
        async applyPeers(requests) {
          for await (const _ of requests);
          taken.call();
          await answer.called;
          return { appliedRevision: 7n, written: 0n };
        },
      },
    });
    async function* frames() {
      yield { frame: undefined };
    }
    const applied = dataplane.applyPeers(frames());
    await taken.called;
    const closed = server.close(60_000);
    answer.call();
    await expect(applied).resolves.toMatchObject({ appliedRevision: 7n });
    await closed;
  });

  it('ends connections that do not speak HTTP/2', async () => {
    const { server, ipam } = await start({ ipam: { getCapacity: async () => ({ capacities: [] }) } });
    const { address } = server;
    const ended = ['', 'P', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n'].map((text) => {
      const stranger = connect(address.kind === 'tcp' ? address.port : 0, '127.0.0.1').resume();
      stranger.write(text);
      return once(stranger, 'close');
    });
    await expect(Promise.all(ended)).resolves.toHaveLength(4);
    await expect(ipam.getCapacity({ network: '' })).resolves.toEqual({ capacities: [] });
  }, 60_000);

  it('waits for nobody who has not finished a TLS handshake', async () => {
    const { server: tls } = await createCertificates(folder);
    const listen = { key: 'listen.grpc', address: LOOPBACK };
    const server = await startRpcServer({ listen, services: [], tls, onInternalError: () => undefined });
    const { address } = server;
    const stranger = connect(address.kind === 'tcp' ? address.port : 0, '127.0.0.1');
    await once(stranger, 'connect');
    try {
      await expect(server.close(20)).resolves.toBeUndefined();
      expect(stranger.destroyed).toBe(false);
    } finally {
      stranger.destroy();
    }
  });

  it('closes at once when nothing is open, and its port is free then', async () => {
    const first = await start({ ipam: { getCapacity: async () => ({ capacities: [] }) } });
    await first.ipam.getCapacity({ network: '' });
    await first.server.close(60_000);
    const second = await start(
      { ipam: { getCapacity: async () => ({ capacities: [] }) } },
      first.server.address,
    );
    expect(second.server.address).toEqual(first.server.address);
    await expect(first.ipam.getCapacity({ network: '' })).resolves.toEqual({ capacities: [] });
  });
});
