import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createLogger,
  type HttpServer,
  type HttpServerOptions,
  Metrics,
  Readiness,
  startHttpServer,
} from '@overlay/service';
import { type CertificateFiles, type Certificates, createCertificates } from '@overlay/testbed';

const REFUSED = {
  status: 401,
  body: { error: expect.stringMatching(/^[A-Z]+ is taken only from callers with a certificate: .*tls\.ca/) },
};

describe('an HTTPS server', () => {
  let folder = '';
  let ours: Certificates;
  let theirs: Certificates;
  let server: HttpServer;
  let got: unknown[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-https-'));
    const foreign = join(folder, 'foreign');
    await mkdir(foreign);
    ours = await createCertificates(folder);
    theirs = await createCertificates(foreign);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    got = [];
    server = await start();
  });
  afterEach(() => server.close());

  async function start(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
    return startHttpServer({
      listen: { key: 'listen.http', address: { kind: 'tcp', host: '127.0.0.1', port: 0 } },
      logger: createLogger('overlay-test', 'silent'),
      probes: { readiness: new Readiness(), metrics: new Metrics('overlay-test') },
      tls: ours.server,
      routes: (routes) => {
        routes.get('/state', async () => ({ agents: [] }));
        routes.post('/delete', async ({ body }) => {
          got.push(body);
          return { agents: [] };
        });
      },
      ...options,
    });
  }

  const shown = ({ cert, key }: CertificateFiles) => ({ cert: readFileSync(cert), key: readFileSync(key) });

  async function ask(method: string, path: string, options: RequestOptions = {}, body = '{}') {
    const { address } = server;
    const request = httpsRequest({
      host: '127.0.0.1',
      port: address.kind === 'tcp' ? address.port : 0,
      method,
      path,
      ca: readFileSync(ours.server.ca),
      agent: false,
      headers: { 'content-type': 'application/json' },
      ...options,
    });
    if (method === 'GET' || method === 'HEAD') request.end();
    else request.setHeader('content-length', body.length).end(body);
    const [response] = await once(request, 'response');
    const resumed = (response.socket as TLSSocket).isSessionReused();
    return { status: response.statusCode, resumed, body: method === 'HEAD' ? null : await json(response) };
  }

  it('ends connections that do not finish their handshake', async () => {
    await server.close();
    server = await start({ requestLimitMs: 50 });
    const { address } = server;
    const stranger = connect(address.kind === 'tcp' ? address.port : 0, '127.0.0.1');
    await expect(once(stranger.resume(), 'close')).resolves.toBeDefined();
  });

  it('lets a caller without a certificate read', async () => {
    expect(await ask('GET', '/state')).toMatchObject({ status: 200, body: { agents: [] } });
    expect(await ask('HEAD', '/state')).toMatchObject({ status: 200 });
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 200 });
  });

  it('refuses everything else to callers without a certificate, or with one of another authority', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      for (const path of ['/delete', '/nothing']) {
        expect(await ask(method, path)).toMatchObject(REFUSED);
        expect(await ask(method, path, shown(theirs.client))).toMatchObject(REFUSED);
      }
    }
    expect(await ask('POST', '/delete', {}, `"${'x'.repeat(4_000_000)}"`)).toMatchObject(REFUSED);
    expect(got).toEqual([]);
  });

  it('refuses it to them also when they resume a session', async () => {
    for (const certificate of [{}, shown(theirs.client)]) {
      const options = { ...certificate, agent: new Agent({ keepAlive: false }) };
      expect(await ask('GET', '/state', options)).toMatchObject({ status: 200, resumed: false });
      expect(await ask('POST', '/delete', options)).toMatchObject({ ...REFUSED, resumed: true });
    }
    expect(got).toEqual([]);
  });

  it('takes it from a caller with a certificate, whose sessions resume', async () => {
    const agent = new Agent({ keepAlive: false });
    for (const resumed of [false, true]) {
      const answer = await ask('POST', '/delete', { ...shown(ours.client), agent }, '{"agents":[]}');
      expect(answer).toMatchObject({ status: 200, resumed });
    }
    expect(got).toEqual([{ agents: [] }, { agents: [] }]);
    expect(await ask('PUT', '/delete', shown(ours.client))).toMatchObject({ status: 405 });
  });

  it('refuses it to nodes', async () => {
    const names = ['URI:spiffe://example.org/overlay/node/n1'];
    const node = await ours.issue('node', { names });
    expect(await ask('POST', '/delete', shown(node))).toMatchObject({
      status: 403,
      body: { error: 'POST is not for nodes, and the certificate is of node n1' },
    });
    expect(await ask('GET', '/state', shown(node))).toMatchObject({ status: 200 });
    expect(got).toEqual([]);
  });

  it('refuses it to a caller whose certificate has expired', async () => {
    const expired = await ours.issue('expired', { expired: true });
    expect(await ask('POST', '/delete', shown(expired))).toMatchObject(REFUSED);
    expect(got).toEqual([]);
  });
});
