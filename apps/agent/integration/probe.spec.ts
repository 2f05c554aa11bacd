import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf, Container, ProbeContainerRequest } from '@overlay/contracts';
import { type RpcServer, startRpcServer } from '@overlay/rpc';
import { systemClock } from '@overlay/service';
import { Prober } from '../src/probe/prober.js';

const CONTAINER = Container.fromPartial({
  containerId: 'web',
  interface: 'eth0',
  network: 'dcos',
  half: AllocationHalf.CNI,
  ip: '127.0.0.1',
});
const CALLER = { trusted: false, signal: new AbortController().signal };

const opened: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function listen(server: Server | HttpServer): Promise<number> {
  opened.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function probe(probe: ProbeContainerRequest['probe'], timeoutMs = 10_000) {
  const prober = new Prober({ containers: () => [CONTAINER], stranded: () => [], clock: systemClock });
  return prober.probe(ProbeContainerRequest.fromPartial({ container: 'web', probe, timeoutMs }), CALLER);
}

function get(port: number, more: { path?: string; expectedStatus?: number; bodyContains?: string } = {}) {
  const value = { port, path: '', tls: false, expectedStatus: 0, bodyContains: '', ...more };
  return { $case: 'http', value } as const;
}

/** A port that nothing listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a probe over the network', () => {
  it('finds an open port healthy and a closed one not', async () => {
    const port = await listen(createServer((socket) => socket.end()));
    await expect(probe({ $case: 'tcp', value: { port } })).resolves.toMatchObject({ healthy: true });
    const closed = await closedPort();
    const finding = await probe({ $case: 'tcp', value: { port: closed } });
    expect(finding).toMatchObject({ healthy: false, detail: expect.stringContaining('ECONNREFUSED') });
  });

  it('judges an HTTP server by status and body', async () => {
    const port = await listen(
      createHttpServer((request, response) => {
        response.statusCode = request.url === '/gone' ? 404 : 200;
        response.end(request.url === '/big' ? `${'x'.repeat(200_000)}needle` : 'all is well');
      }),
    );
    await expect(probe(get(port))).resolves.toMatchObject({ healthy: true, detail: 'status 200' });
    await expect(probe(get(port, { path: '/gone' }))).resolves.toMatchObject({ healthy: false });
    await expect(probe(get(port, { path: '/gone', expectedStatus: 404 }))).resolves.toMatchObject({
      healthy: true,
    });
    await expect(probe(get(port, { bodyContains: 'well' }))).resolves.toMatchObject({ healthy: true });
    await expect(probe(get(port, { bodyContains: 'ill' }))).resolves.toMatchObject({ healthy: false });
    await expect(probe(get(port, { path: '/big', bodyContains: 'needle' }))).resolves.toMatchObject({
      healthy: true,
    });
  });

  it('does not wait for a server that stays silent, nor break on one that talks rubbish', async () => {
    const silent = await listen(createServer(() => undefined));
    await expect(probe(get(silent), 200)).resolves.toMatchObject({
      healthy: false,
      detail: expect.stringContaining('in time'),
    });
    const rubbish = await listen(createServer((socket) => socket.end('\0\0 no HTTP \r\n\r\n')));
    await expect(probe(get(rubbish))).resolves.toMatchObject({ healthy: false });
  });

  it('asks the gRPC health service, as a whole or for one service', async () => {
    const server: RpcServer = await startRpcServer({
      listen: { key: 'test', address: { kind: 'tcp', host: '127.0.0.1', port: 0 } },
      services: [],
      onInternalError: () => undefined,
    });
    opened.push(() => server.close(0));
    server.setServing('shop', false);
    const port = server.address.kind === 'tcp' ? server.address.port : 0;
    const ask = (service: string) => probe({ $case: 'grpc', value: { port, service } });
    await expect(ask('')).resolves.toMatchObject({ healthy: true, detail: 'the server is serving' });
    await expect(ask('shop')).resolves.toMatchObject({ healthy: false, detail: 'shop is NOT_SERVING' });
    await expect(ask('nobody')).resolves.toMatchObject({ healthy: false });
    const closed = await closedPort();
    await expect(probe({ $case: 'grpc', value: { port: closed, service: '' } })).resolves.toMatchObject({
      healthy: false,
    });
  });
});
