import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, type HttpServer, startHttpServer } from '@overlay/service';
import type { CniCaller } from './cni-handler.js';
import { addCniRoutes } from './cni-routes.js';

describe('POST /cni', () => {
  let folder: string;
  let server: HttpServer;
  let callers: CniCaller[];
  let answer: () => void;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-cni-'));
    callers = [];
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    server = await startHttpServer({
      listen: { key: 'listen.http', address: { kind: 'unix', path: join(folder, 'http.sock') } },
      logger: createLogger('test', 'silent'),
      routes: (routes) =>
        addCniRoutes(routes, async (_environment, _stdin, caller) => {
          callers.push(caller);
          await answered;
          return { ok: true, result: undefined };
        }),
    });
  });

  afterEach(async () => {
    answer();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('tells until when the caller waits, and when it has gone', async () => {
    const call = request({
      socketPath: join(folder, 'http.sock'),
      path: '/cni?CNI_COMMAND=ADD',
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', 'overlay-until-unix-ms': '7000' },
    });
    call.on('error', () => undefined);
    call.end('{}');
    while (callers.length === 0) await setTimeout(1);
    await setTimeout(20);
    expect(callers[0]?.untilMs).toBe(7000);
    expect(callers[0]?.isGone()).toBe(false);
    call.destroy();
    while (callers[0]?.isGone() === false) await setTimeout(1);
    expect(callers).toHaveLength(1);
  });
});
