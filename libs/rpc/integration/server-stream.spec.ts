import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { TopologyFrameKind, WatchTopologyResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { aborted, startTestServer, type TestServer, until, whenCalled } from './test-server.js';

const REQUEST = { nodeId: 'n1', fromRevision: 0n };

function frame(revision: bigint, padding = ''): WatchTopologyResponse {
  const kind = TopologyFrameKind.DELTA;
  const changes = [{ change: { $case: 'removedNodeId', value: padding } as const }];
  return { frame: { kind, revision, changes }, stale: '' };
}

async function revisionsOf(frames: AsyncIterable<WatchTopologyResponse>): Promise<readonly bigint[]> {
  const revisions: bigint[] = [];
  for await (const { frame: received } of frames) revisions.push(received?.revision ?? -1n);
  return revisions;
}

describe('streams of responses', () => {
  let server: TestServer;
  afterEach(() => server.close());

  type Handler = (signal: AbortSignal) => AsyncIterable<WatchTopologyResponse | Buffer>;

  async function serve(watchTopology: Handler): Promise<TestServer> {
    server = await startTestServer({
      master: { watchTopology: (_request, { signal }) => watchTopology(signal) },
    });
    return server;
  }

  it('carries every response in order and then ends, messages and encoded ones alike', async () => {
    const { master } = await serve(async function* () {
      for (let n = 1n; n <= 100n; n += 1n) {
        yield n % 2n === 0n ? frame(n) : Buffer.from(WatchTopologyResponse.encode(frame(n)).finish());
      }
    });
    const revisions = await revisionsOf(master.watchTopology(REQUEST));
    expect(revisions).toEqual(Array.from({ length: 100 }, (_, n) => BigInt(n + 1)));
  });

  it('delivers what came before a failure, then the failure', async () => {
    const { master, internalErrors } = await serve(async function* () {
      yield frame(1n);
      yield frame(2n);
      throw new OverlayError('unavailable', 'not the leader', { leader: '10.0.0.2:5060' });
    });
    const seen: bigint[] = [];
    const read = async () => {
      for await (const { frame: received } of master.watchTopology(REQUEST))
        seen.push(received?.revision ?? -1n);
    };
    await expect(read()).rejects.toMatchObject({ code: 'unavailable', leader: '10.0.0.2:5060' });
    expect(seen).toEqual([1n, 2n]);
    expect(internalErrors).toEqual([]);
  });

  it('fails before the first response when the handler itself throws', async () => {
    const { master, internalErrors } = await serve(() => {
      throw new RangeError('bug');
    });
    await expect(revisionsOf(master.watchTopology(REQUEST))).rejects.toMatchObject({ code: 'internal' });
    expect(internalErrors).toHaveLength(1);
  });

  it('holds the handler back while the reader does not read', async () => {
    const TOTAL = 4_000;
    let produced = 0;
    const { master } = await serve(async function* () {
      for (; produced < TOTAL; produced += 1) yield frame(BigInt(produced), 'x'.repeat(10_000));
    });
    let seen = 0;
    for await (const _ of master.watchTopology(REQUEST)) {
      if (seen === 0) {
        let before = -1;
        while (before !== produced) {
          before = produced;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        expect(produced).toBeLessThan(TOTAL / 2);
      }
      seen += 1;
    }
    expect(seen).toBe(TOTAL);
  });

  it('tells a handler that is held back that the reader has gone', async () => {
    let left: AbortSignal | undefined;
    let returned = false;
    const { master, internalErrors } = await serve(async function* (signal) {
      left = signal;
      try {
        for (let n = 0n; ; n += 1n) yield frame(n, 'x'.repeat(10_000));
      } finally {
        returned = true;
      }
    });
    for await (const _ of master.watchTopology(REQUEST)) break;
    await until(() => returned);
    expect(left?.aborted).toBe(true);
    expect(internalErrors).toEqual([]);
  });

  it('closes the call when the reader leaves while the handler waits', async () => {
    const ended = whenCalled();
    const { master } = await serve(async function* (signal) {
      yield frame(1n);
      await aborted(signal);
      ended.call();
    });
    for await (const _ of master.watchTopology(REQUEST)) break;
    await ended.called;
    expect(server.internalErrors).toEqual([]);
  });

  it('is cancelled by its signal while it waits, and leaves no listener on it', async () => {
    const ended = whenCalled();
    const { master } = await serve(async function* (signal) {
      yield frame(1n);
      await aborted(signal);
      ended.call();
      signal.throwIfAborted();
    });
    const controller = new AbortController();
    const { signal } = controller;
    const read = async () => {
      for await (const _ of master.watchTopology(REQUEST, { signal })) controller.abort();
    };
    await expect(read()).rejects.toMatchObject({ code: 'aborted' });
    await ended.called;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await expect(revisionsOf(master.watchTopology(REQUEST, { signal }))).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(server.internalErrors).toEqual([]);
  });

  it('reports a fault that shows only once the caller has gone', async () => {
    const { master, internalErrors } = await serve(async function* (signal) {
      yield frame(1n);
      await aborted(signal);
      throw new TypeError('bug while cleaning up');
    });
    for await (const _ of master.watchTopology(REQUEST)) break;
    await until(() => internalErrors.length > 0);
    expect(internalErrors[0]).toMatchObject({ error: { message: 'bug while cleaning up' } });
  });

  it('shares one signal between many calls without a leak', async () => {
    const { master } = await serve(async function* () {
      yield frame(1n);
    });
    const { signal } = new AbortController();
    const calls = Array.from({ length: 40 }, () => revisionsOf(master.watchTopology(REQUEST, { signal })));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 40 }, () => [1n]));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('fails when its client is closed', async () => {
    const { master } = await serve(async function* (signal) {
      yield frame(1n);
      await aborted(signal);
    });
    const read = async () => {
      for await (const _ of master.watchTopology(REQUEST)) master.close();
    };
    await expect(read()).rejects.toMatchObject({ code: 'aborted' });
    await expect(revisionsOf(master.watchTopology(REQUEST))).rejects.toMatchObject({ code: 'aborted' });
  });
});
