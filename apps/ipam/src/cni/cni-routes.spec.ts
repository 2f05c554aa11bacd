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
  let bodies: string[];
  let answer: () => void;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-cni-'));
    callers = [];
    bodies = [];
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    server = await startHttpServer({
      listen: { key: 'listen.http', address: { kind: 'unix', path: join(folder, 'http.sock') } },
      logger: createLogger('test', 'silent'),
      routes: (routes) =>
        addCniRoutes(routes, async (_environment, stdin, caller) => {
          callers.push(caller);
          bodies.push(stdin);
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

  function post(body: string | Buffer, headers: Readonly<Record<string, string>>): Promise<[number, string]> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: join(folder, 'http.sock'), path: '/cni?CNI_COMMAND=ADD', method: 'POST' };
      const call = request({ ...options, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve([response.statusCode ?? 0, Buffer.concat(parts).toString()]));
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  it('takes the body as it is, of whatever media type or none', async () => {
    answer();
    const types = ['application/octet-stream', 'application/json', 'text/plain', 'x/y; z=1'];
    for (const type of types) expect(await post('{ "a":1}', { 'content-type': type })).toEqual([200, '']);
    expect(await post('{ "a":1}', {})).toEqual([200, '']);
    expect(await post('{', { 'content-type': 'application/json' })).toEqual([200, '']);
    expect(await post('', { 'content-type': 'application/json' })).toEqual([200, '']);
    expect(bodies).toEqual([...Array(5).fill('{ "a":1}'), '{', '']);
  });

  it('answers what cannot be read with an error object', async () => {
    const [unread, reason] = await post('{}', { 'content-type': 'no media type' });
    expect([unread, JSON.parse(reason)]).toMatchObject([415, { code: 6, details: 'invalid_argument' }]);
    const [status, text] = await post(Buffer.alloc(2_000_000), {});
    expect(status).toBe(413);
    expect(JSON.parse(text)).toEqual({
      cniVersion: '1.0.0',
      code: 7,
      msg: 'the configuration has more than 1048576 bytes',
      details: 'invalid_argument',
    });
    expect(bodies).toEqual([]);
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
