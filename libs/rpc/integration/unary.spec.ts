import { getEventListeners } from 'node:events';
import { Client, credentials, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf, IpamServiceService } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { createRpcClient } from '@overlay/rpc';
import { aborted, startTestServer, type TestHandlers, type TestServer, whenCalled } from './test-server.js';

const POOL = {
  networkId: 'id-1',
  network: 'dcos',
  half: AllocationHalf.CNI,
  subnet: '9.0.0.0/25',
  subnet6: '',
};
const RESERVE = {
  network: 'dcos',
  half: AllocationHalf.CNI,
  name: 'web',
  requestedIps: ['9.0.0.7'],
  ttlMs: 0n,
};
const RESERVED = { ips: ['9.0.0.7'], expiresAtMs: 0n };

describe('unary calls', () => {
  let server: TestServer;
  afterEach(() => server.close());

  async function serve(handlers: TestHandlers): Promise<TestServer> {
    server = await startTestServer(handlers);
    return server;
  }

  it('carries request and response', async () => {
    const { ipam, internalErrors } = await serve({
      ipam: {
        async reserve(request, { peer }) {
          expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
          return { ips: request.requestedIps, expiresAtMs: 2n ** 60n };
        },
      },
    });
    await expect(ipam.reserve(RESERVE)).resolves.toEqual({ ips: ['9.0.0.7'], expiresAtMs: 2n ** 60n });
    expect(internalErrors).toEqual([]);
  });

  it('carries a header, also beside a failure', async () => {
    const { ipam } = await serve({
      ipam: {
        async reserve(request, call) {
          call.sendHeader('overlay-stale', 'the log is away');
          if (request.name === 'web') return RESERVED;
          throw new OverlayError('not_found', 'there is no such reservation');
        },
      },
    });
    const told: (string | undefined)[] = [];
    const onHeaders = (headers: ReadonlyMap<string, string>) => told.push(headers.get('overlay-stale'));
    await expect(ipam.reserve(RESERVE, { onHeaders })).resolves.toEqual(RESERVED);
    await expect(ipam.reserve({ ...RESERVE, name: 'db' }, { onHeaders })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(told).toEqual(['the log is away', 'the log is away']);
  });

  it('carries a failure with violations and leader, and does not call it internal', async () => {
    const violations = [
      { field: 'pools[0].prefixes[0]', description: '9.0.0.1/25 has host bits: write 9.0.0.0/25' },
    ];
    const { ipam, internalErrors } = await serve({
      ipam: {
        async configurePools() {
          throw new OverlayError('failed_precondition', 'мимо: 100 % wrong\nsecond line', {
            violations,
            leader: '10.0.0.2:5060',
          });
        },
      },
    });
    await expect(ipam.configurePools({ pools: [] })).rejects.toMatchObject({
      name: 'OverlayError',
      code: 'failed_precondition',
      message: 'мимо: 100 % wrong\nsecond line',
      violations,
      leader: '10.0.0.2:5060',
    });
    expect(internalErrors).toEqual([]);
  });

  it('carries as many violations as any client can take', async () => {
    const violations = Array.from({ length: 2_000 }, (_, n) => ({
      field: `pools[${n}]`,
      description: 'is wrong',
    }));
    const { ipam } = await serve({
      ipam: {
        async configurePools() {
          throw OverlayError.invalid(violations);
        },
      },
    });
    const error: unknown = await ipam.configurePools({ pools: [] }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('2000 errors'),
    });
  });

  it('makes INTERNAL of a fault and tells the server of it', async () => {
    const fault = new TypeError('x is undefined \ud800');
    const { ipam, internalErrors } = await serve({
      ipam: {
        async getCapacity() {
          throw fault;
        },
      },
    });
    await expect(ipam.getCapacity({ network: '' })).rejects.toMatchObject({ code: 'internal' });
    expect(internalErrors).toEqual([{ error: fault, path: '/overlay.v1.IpamService/GetCapacity' }]);
  });

  it('tells the server of a response that cannot be encoded', async () => {
    const wrong = { ips: 7, expiresAtMs: 0n } as unknown as typeof RESERVED;
    const { ipam, internalErrors } = await serve({
      ipam: {
        async reserve() {
          return wrong;
        },
      },
    });
    await expect(ipam.reserve(RESERVE)).rejects.toMatchObject({ code: 'internal' });
    expect(internalErrors).toMatchObject([{ path: '/overlay.v1.IpamService/Reserve' }]);
    expect(internalErrors[0]?.error).toMatchObject({ name: 'TypeError' });
  });

  it('answers INVALID_ARGUMENT to bytes that are no request', async () => {
    const { target, internalErrors } = await serve({
      ipam: {
        async reserve() {
          return RESERVED;
        },
      },
    });
    const raw = new Client(target, credentials.createInsecure());
    const failure = await new Promise((resolve) => {
      const path = '/overlay.v1.IpamService/Reserve';
      const same = (bytes: Buffer) => bytes;
      raw.makeUnaryRequest(path, same, same, Buffer.from([0x0a, 0xff, 0xff]), (error) => resolve(error));
    });
    raw.close();
    expect(failure).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('cannot be decoded'),
    });
    expect(internalErrors).toEqual([]);
  });

  it('refuses a message over 4 MiB and lives on', async () => {
    const { ipam } = await serve({
      ipam: {
        async configurePools(request) {
          return request;
        },
      },
    });
    const pools = [{ ...POOL, network: 'x'.repeat(5 * 1024 * 1024) }];
    await expect(ipam.configurePools({ pools })).rejects.toMatchObject({
      code: 'resource_exhausted',
      message: expect.stringContaining('4194304'),
    });
    await expect(ipam.configurePools({ pools: [POOL] })).resolves.toEqual({ pools: [POOL] });
  });

  it('answers UNIMPLEMENTED for a method without a handler and for a service that is not there', async () => {
    const { ipam, target } = await serve({});
    await expect(ipam.reserve(RESERVE)).rejects.toMatchObject({
      code: 'unimplemented',
      message: expect.stringContaining('overlay.v1.IpamService.Reserve'),
    });
    const elsewhere = {
      reserve: { ...IpamServiceService.reserve, path: '/overlay.v9.Other/Reserve' },
    } as const;
    const client = createRpcClient(elsewhere, { target });
    await expect(client.reserve(RESERVE)).rejects.toMatchObject({
      code: 'unimplemented',
    });
    client.close();
  });

  it('gives up at the deadline and tells the handler', async () => {
    const handlerEnd = whenCalled();
    const { ipam, internalErrors } = await serve({
      ipam: {
        async getCapacity(_request, { signal }) {
          await aborted(signal);
          handlerEnd.call();
          signal.throwIfAborted();
          return { capacities: [] };
        },
      },
    });
    await expect(ipam.getCapacity({ network: '' }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    await handlerEnd.called;
    expect(internalErrors).toEqual([]);
  });

  it('is cancelled by its signal, which reaches the handler, and leaves no listener on it', async () => {
    const started = whenCalled();
    const ended = whenCalled();
    const { ipam } = await serve({
      ipam: {
        async getCapacity(_request, { signal }) {
          started.call();
          await aborted(signal);
          ended.call();
          throw new OverlayError('aborted', 'gone');
        },
        async reserve() {
          return RESERVED;
        },
      },
    });
    const controller = new AbortController();
    const { signal } = controller;
    await ipam.reserve(RESERVE, { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const call = ipam.getCapacity({ network: '' }, { signal });
    const outcome = expect(call).rejects.toMatchObject({ code: 'aborted' });
    await started.called;
    controller.abort();
    await outcome;
    await ended.called;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await expect(ipam.reserve(RESERVE, { signal })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  it('ends with its client, and a closed client says so', async () => {
    const started = whenCalled();
    const { ipam } = await serve({
      ipam: {
        async getCapacity(_request, { signal }) {
          started.call();
          await aborted(signal);
          throw new OverlayError('aborted', 'gone');
        },
      },
    });
    const outcome = expect(ipam.getCapacity({ network: '' })).rejects.toMatchObject({ code: 'aborted' });
    await started.called;
    ipam.close();
    ipam.close();
    await outcome;
    await expect(ipam.getCapacity({ network: '' })).rejects.toMatchObject({
      code: 'aborted',
      message: '/overlay.v1.IpamService/GetCapacity: the client is closed',
    });
  });

  it('answers UNAVAILABLE when nobody listens', async () => {
    const { ipam, server: listening } = await serve({});
    await listening.close(0);
    await expect(ipam.getCapacity({ network: '' })).rejects.toMatchObject({ code: 'unavailable' });
  });
});
