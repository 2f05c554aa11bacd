import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import type { ListenAddress } from '@overlay/model';
import {
  createLogger,
  type FastifyInstance,
  type HttpServer,
  type HttpServerOptions,
  Metrics,
  Readiness,
  startHttpServer,
} from '@overlay/service';
import { parsePrometheusText } from './prometheus-text.js';

const LOOPBACK: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const VIOLATIONS = [{ field: 'agents[0]', description: '"x" is no address' }];

function routes(server: FastifyInstance): void {
  server.get('/state', async () => ({ agents: [] }));
  server.post('/state', async (request) => ({ got: request.body }));
  server.get('/wrong', async () => {
    throw OverlayError.invalid(VIOLATIONS);
  });
  server.get('/leaderless', async () => {
    throw new OverlayError('unavailable', 'no leader');
  });
  server.get('/bug', async () => {
    throw new TypeError('x is undefined');
  });
}

describe('an HTTP server', () => {
  let folder = '';
  let base = '';
  const servers: HttpServer[] = [];
  const sockets: Socket[] = [];
  const readiness = new Readiness();
  const metrics = new Metrics('overlay-test');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'overlay-http-'));
    const server = await start({ routes, probes: { readiness, metrics }, bodyLimitBytes: 1_000 });
    base = urlOf(server);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await rm(folder, { recursive: true, force: true });
  });

  async function start(options: Partial<HttpServerOptions>): Promise<HttpServer> {
    const server = await startHttpServer({
      listen: { key: 'listen.http', address: LOOPBACK },
      logger: createLogger('overlay-test', 'silent'),
      ...options,
    });
    servers.push(server);
    return server;
  }

  function urlOf({ address }: HttpServer): string {
    return address.kind === 'tcp' ? `http://${address.host}:${address.port}` : '';
  }

  async function ask(path: string, init?: RequestInit) {
    const response = await fetch(`${base}${path}`, init);
    return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
  }

  const post = (body: string, type = 'application/json') =>
    ask('/state', { method: 'POST', body, headers: { 'content-type': type } });

  it('serves its routes', async () => {
    expect(await ask('/state?jsonp=f')).toMatchObject({ status: 200, body: { agents: [] } });
    expect(await post('{"ip":"10.0.0.1"}')).toMatchObject({ status: 200, body: { got: { ip: '10.0.0.1' } } });
    expect((await fetch(`${base}/state`, { method: 'HEAD' })).status).toBe(200);
  });

  it('answers 404 to a path that is not there', async () => {
    expect(await ask('/nothing?x=1')).toMatchObject({
      status: 404,
      body: { error: 'nothing is at /nothing' },
    });
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    'answers 405 with Allow to %s where others are',
    async (method) => {
      const { status, headers, body } = await ask('/state?x=1', { method });
      expect(status).toBe(405);
      expect(headers.get('allow')).toBe('GET, HEAD, POST');
      expect(body).toEqual({ error: `${method} is not allowed on /state: use GET or HEAD or POST` });
    },
  );

  it('answers 400 to a body that is no JSON, 413 to one too large, 415 to another type', async () => {
    for (const body of ['{"a":', '', '{"__proto__": {"a": 1}}']) {
      expect(await post(body)).toMatchObject({ status: 400, body: { error: expect.any(String) } });
    }
    expect(await post(`"${'x'.repeat(2_000)}"`)).toMatchObject({
      status: 413,
      body: { error: expect.any(String) },
    });
    expect(await post('<a/>', 'text/xml')).toMatchObject({
      status: 415,
      body: { error: expect.any(String) },
    });
  });

  it('reads on before it refuses a body that is too large, so that the answer arrives', async () => {
    for (let times = 0; times < 20; times += 1) {
      expect(await post(`"${'x'.repeat(4_000_000)}"`)).toMatchObject({ status: 413 });
    }
  });

  it('answers a client that never sends the large body it announced', async () => {
    const silent = connect(Number(new URL(base).port), '127.0.0.1');
    sockets.push(silent);
    silent.write('POST /state HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n');
    silent.write('content-length: 100000000\r\n\r\n"x');
    expect(await text(silent)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('ends connections whose request does not come in', async () => {
    base = urlOf(await start({ routes, requestLimitMs: 50 }));
    const head = 'POST /state HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
    for (const begun of ['', head, `${head}content-length: 100\r\n\r\n{`]) {
      const slow = connect(Number(new URL(base).port), '127.0.0.1');
      sockets.push(slow);
      slow.write(begun);
      expect(await text(slow)).toMatch(/^HTTP\/1\.1 408 /);
    }
    expect((await ask('/state')).status).toBe(200);
  });

  it('answers 400 to a path that cannot be decoded', async () => {
    const { status, body } = await ask('/%zz');
    expect(status).toBe(400);
    expect(body).toEqual({ error: expect.stringContaining('/%zz') });
  });

  it("answers a failure's status, reason and violations", async () => {
    expect(await ask('/wrong')).toMatchObject({
      status: 400,
      body: { error: 'agents[0]: "x" is no address', violations: VIOLATIONS },
    });
    const leaderless = await ask('/leaderless');
    expect(leaderless).toMatchObject({ status: 503 });
    expect(leaderless.body).toEqual({ error: 'no leader' });
    expect(await ask('/bug')).toMatchObject({ status: 500 });
  });

  it('is healthy at once, and ready when nothing stands in the way', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    readiness.block('leader', 'no leader yet');
    expect(await ask('/readyz')).toMatchObject({
      status: 503,
      body: { status: 'not ready', reasons: ['leader: no leader yet'] },
    });
    expect(await ask('/healthz')).toMatchObject({ status: 200 });
    readiness.clear('leader');
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('has no probes unless it is given them', async () => {
    base = urlOf(await start({}));
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await ask(path)).status).toBe(404);
  });

  it('shows metrics that a scraper can read', async () => {
    metrics.counter('calls_total', 'Calls.', ['method']).inc({ method: 'Say "hi"\\' }, 3);
    metrics.gauge('agents', 'Agents.', [], (gauge) => gauge.set(7));
    metrics.histogram('commit_seconds', 'Commits.', [], [0.1, 1]).observe(0.5);
    metrics.collectRuntime();
    const response = await fetch(`${base}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const page = parsePrometheusText(await response.text());
    const labels = { process: 'overlay-test' };
    expect(page.get('overlay_calls_total')).toEqual({
      type: 'counter',
      help: 'Calls.',
      samples: [{ name: 'overlay_calls_total', labels: { ...labels, method: 'Say \\"hi\\"\\\\' }, value: 3 }],
    });
    expect(page.get('overlay_agents')).toMatchObject({ type: 'gauge', samples: [{ value: 7, labels }] });
    const commits = page.get('overlay_commit_seconds');
    expect(commits?.type).toBe('histogram');
    expect(commits?.samples.map(({ name, labels: { le }, value }) => [name, le, value])).toEqual([
      ['overlay_commit_seconds_bucket', '0.1', 0],
      ['overlay_commit_seconds_bucket', '1', 1],
      ['overlay_commit_seconds_bucket', '+Inf', 1],
      ['overlay_commit_seconds_sum', undefined, 0.5],
      ['overlay_commit_seconds_count', undefined, 1],
    ]);
    expect(page.get('process_resident_memory_bytes')?.samples[0]?.value).toBeGreaterThan(1e6);
  });

  it('names the key of a taken port, and leaves its owner alone', async () => {
    const [owner] = servers;
    await expect(
      start({ listen: { key: 'listen.http', address: owner?.address ?? LOOPBACK } }),
    ).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(/^listen\.http: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/),
    });
    expect((await ask('/state')).status).toBe(200);
  });

  it('names the key of a TLS file that cannot be read', async () => {
    const missing = (name: string) => join(folder, name);
    const tls = { ca: missing('ca.pem'), cert: missing('missing.pem'), key: missing('missing.key') };
    await expect(start({ tls })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('tls.cert: cannot read'),
    });
  });

  it('listens on a unix socket that only its own user may use', async () => {
    const path = join(folder, 'http.sock');
    const server = await start({ listen: { key: 'listen.http', address: { kind: 'unix', path } }, routes });
    expect(server.address).toEqual({ kind: 'unix', path });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const request = httpRequest({ socketPath: path, path: '/state' }).end();
    const [response] = await once(request, 'response');
    expect(JSON.parse(await text(response))).toEqual({ agents: [] });
  });

  it('lets an open request end when it closes, but no silent client keep it', async () => {
    let answer = () => {};
    let asked = () => {};
    const whenAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const slow = (server: FastifyInstance) =>
      server.get('/slow', async () => {
        asked();
        await new Promise<void>((go) => {
          answer = go;
        });
        return { done: true };
      });
    const server = await start({ routes: slow });
    base = urlOf(server);
    const reply = ask('/slow');
    await whenAsked;
    const silent = connect(Number(new URL(base).port), '127.0.0.1');
    sockets.push(silent);
    await once(silent, 'connect');
    silent.write('GET /slow HTTP/1.1\r\n');
    const closed = Promise.all([server.close(), server.close()]);
    answer();
    expect(await reply).toMatchObject({ status: 200, body: { done: true } });
    await closed;
    await expect(fetch(`${base}/slow`)).rejects.toThrow();
  });
});
