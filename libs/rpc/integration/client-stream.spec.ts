import { getEventListeners } from 'node:events';
import { Client, credentials, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type ApplyPeersRequest, type ApplyPeersResponse, TopologyFrameKind } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { aborted, startTestServer, type TestServer, until, whenCalled } from './test-server.js';

function request(revision: bigint, padding = ''): ApplyPeersRequest {
  const kind = TopologyFrameKind.DELTA;
  const changes = [{ change: { $case: 'removedNodeId', value: padding } as const }];
  return { frame: { kind, revision, changes } };
}

function answer(appliedRevision: bigint): ApplyPeersResponse {
  return { appliedRevision, written: 0n };
}

describe('streams of requests', () => {
  let server: TestServer;
  afterEach(() => server.close());

  type Handler = (
    requests: AsyncIterable<ApplyPeersRequest>,
    signal: AbortSignal,
  ) => Promise<ApplyPeersResponse>;

  async function serve(applyPeers: Handler): Promise<TestServer> {
    server = await startTestServer({
      dataplane: { applyPeers: (requests, { signal }) => applyPeers(requests, signal) },
    });
    return server;
  }

  const takeAll: Handler = async (requests) => {
    let sum = 0n;
    for await (const { frame } of requests) sum += frame?.revision ?? 0n;
    return answer(sum);
  };

  it('carries every request and the one response', async () => {
    const { dataplane } = await serve(takeAll);
    const requests = async function* () {
      for (let n = 1n; n <= 1_000n; n += 1n) yield request(n);
    };
    await expect(dataplane.applyPeers(requests())).resolves.toEqual(answer(500_500n));
  });

  it('carries no request at all', async () => {
    const { dataplane } = await serve(takeAll);
    const none = async function* (): AsyncGenerator<ApplyPeersRequest> {};
    await expect(dataplane.applyPeers(none())).resolves.toEqual(answer(0n));
  });

  it('takes requests no faster than the handler does', async () => {
    const TOTAL = 4_000;
    const go = whenCalled();
    let taken = 0;
    const { dataplane } = await serve(async (requests) => {
      await go.called;
      return takeAll(requests, new AbortController().signal);
    });
    const requests = async function* () {
      for (; taken < TOTAL; taken += 1) yield request(1n, 'x'.repeat(10_000));
    };
    const call = dataplane.applyPeers(requests());
    let before = -1;
    while (before !== taken) {
      before = taken;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(taken).toBeLessThan(TOTAL / 2);
    go.call();
    await expect(call).resolves.toEqual(answer(BigInt(TOTAL)));
  });

  it('ends when the handler answers early, and asks the source to return', async () => {
    const { dataplane, internalErrors } = await serve(async (requests) => {
      for await (const { frame } of requests) if (frame?.revision === 2n) return answer(2n);
      return answer(0n);
    });
    let returned = false;
    const requests = async function* () {
      try {
        for (let n = 1n; ; n += 1n) {
          yield request(n);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        returned = true;
      }
    };
    await expect(dataplane.applyPeers(requests())).resolves.toEqual(answer(2n));
    await until(() => returned);
    expect(internalErrors).toEqual([]);
  });

  it('ends when the handler answers while the source has nothing to send', async () => {
    const { dataplane } = await serve(async () => answer(7n));
    let returned = false;
    const silent: AsyncIterable<ApplyPeersRequest> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: async () => {
          returned = true;
          return { done: true, value: undefined };
        },
      }),
    };
    await expect(dataplane.applyPeers(silent)).resolves.toEqual(answer(7n));
    await until(() => returned);
    expect(returned).toBe(true);
  });

  it("fails with the handler's failure while requests still come", async () => {
    const { dataplane, internalErrors } = await serve(async (requests) => {
      for await (const { frame } of requests) {
        if (frame?.revision === 3n) throw new OverlayError('data_loss', 'revision 3 is a gap');
      }
      return answer(0n);
    });
    let returned = false;
    const requests = async function* () {
      try {
        for (let n = 1n; ; n += 1n) yield request(n, 'x'.repeat(1_000));
      } finally {
        returned = true;
      }
    };
    await expect(dataplane.applyPeers(requests())).rejects.toMatchObject({
      code: 'data_loss',
      message: 'revision 3 is a gap',
    });
    await until(() => returned);
    expect(internalErrors).toEqual([]);
  });

  it('fails with what the source of requests throws, and the handler learns that the caller has gone', async () => {
    let learnt: unknown;
    const started = whenCalled();
    const { dataplane, internalErrors } = await serve(async (requests) => {
      started.call();
      try {
        return await takeAll(requests, new AbortController().signal);
      } catch (error) {
        learnt = error;
        throw error;
      }
    });
    const requests = async function* () {
      yield request(1n);
      await started.called;
      throw new OverlayError('not_found', 'the snapshot is gone');
    };
    await expect(dataplane.applyPeers(requests())).rejects.toMatchObject({ code: 'not_found' });
    await until(() => learnt !== undefined);
    expect(learnt).toMatchObject({ name: 'OverlayError', code: 'aborted', message: 'the caller has gone' });
    expect(internalErrors).toEqual([]);
  });

  it('is cancelled by its signal, which reaches the handler, and leaves no listener on it', async () => {
    const started = whenCalled();
    const ended = whenCalled();
    const { dataplane, internalErrors } = await serve(async (requests, signal) => {
      started.call();
      const all = takeAll(requests, signal);
      await aborted(signal);
      ended.call();
      return all;
    });
    const controller = new AbortController();
    const { signal } = controller;
    const requests = async function* () {
      yield request(1n);
      await aborted(signal);
    };
    const outcome = expect(dataplane.applyPeers(requests(), { signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    await started.called;
    controller.abort();
    await outcome;
    await ended.called;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await expect(dataplane.applyPeers(requests(), { signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(internalErrors).toEqual([]);
  });

  it('fails on a request that cannot be encoded', async () => {
    const { dataplane } = await serve(takeAll);
    const requests = async function* () {
      yield { frame: { kind: 1, revision: 'nine', changes: 7 } } as unknown as ApplyPeersRequest;
    };
    await expect(dataplane.applyPeers(requests())).rejects.toMatchObject({ code: 'internal' });
  });

  it('answers INVALID_ARGUMENT to bytes in the stream that are no request', async () => {
    const { target, internalErrors } = await serve(takeAll);
    const raw = new Client(target, credentials.createInsecure());
    const failure = await new Promise((resolve) => {
      const same = (bytes: Buffer) => bytes;
      const path = '/overlay.v1.DataplaneService/ApplyPeers';
      const call = raw.makeClientStreamRequest(path, same, same, (error) => resolve(error));
      call.write(Buffer.from([0x0a, 0xff, 0xff]));
    });
    raw.close();
    expect(failure).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(internalErrors).toEqual([]);
  });

  it('refuses a request over 4 MiB', async () => {
    const { dataplane, internalErrors } = await serve(takeAll);
    const requests = async function* () {
      yield request(1n);
      yield request(2n, 'x'.repeat(5 * 1024 * 1024));
      yield request(3n);
    };
    await expect(dataplane.applyPeers(requests())).rejects.toMatchObject({ code: 'resource_exhausted' });
    expect(internalErrors).toEqual([]);
  });

  it('fails when the server goes while requests flow', async () => {
    const started = whenCalled();
    const { dataplane, server: listening } = await serve(async (requests, signal) => {
      started.call();
      return takeAll(requests, signal);
    });
    let returned = false;
    const requests = async function* () {
      try {
        for (;;) {
          yield request(1n);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        returned = true;
      }
    };
    const outcome = expect(dataplane.applyPeers(requests())).rejects.toMatchObject({
      code: expect.stringMatching(/^(unavailable|aborted)$/),
    });
    await started.called;
    await listening.close(0);
    await outcome;
    await until(() => returned);
    expect(returned).toBe(true);
  });
});
