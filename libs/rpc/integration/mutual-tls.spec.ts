import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { IpamServiceService } from '@overlay/contracts';
import {
  clientCredentials,
  createRpcClient,
  implementService,
  type RpcServer,
  startRpcServer,
  type TlsFiles,
} from '@overlay/rpc';
import { type Certificates, createCertificates } from '@overlay/testbed';
import { LOOPBACK, targetOf } from './test-server.js';

let folder = '';

describe('mutual TLS', () => {
  let authority: Certificates;
  let ours: TlsFiles;
  let theirs: TlsFiles;
  let server: RpcServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-tls-'));
    const foreign = join(folder, 'foreign');
    mkdirSync(foreign);
    authority = await createCertificates(folder);
    ours = authority.server;
    theirs = (await createCertificates(foreign)).server;
    writeFileSync(join(folder, 'junk.pem'), 'no certificate');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const listen = { key: 'listen.grpc', address: LOOPBACK };
  const onInternalError = () => undefined;

  beforeEach(async () => {
    const handlers = { getCapacity: async () => ({ capacities: [] }) };
    const services = [implementService(IpamServiceService, handlers, onInternalError)];
    server = await startRpcServer({ listen, services, tls: ours, onInternalError });
  });
  afterEach(() => server.close(0));

  async function call(tls: TlsFiles | undefined): Promise<unknown> {
    const client = createRpcClient(IpamServiceService, { target: targetOf(server), tls, timeoutMs: 3_000 });
    try {
      return await client.getCapacity({ network: '' });
    } finally {
      client.close();
    }
  }

  it('serves a client of the same authority', async () => {
    await expect(call(ours)).resolves.toEqual({ capacities: [] });
  });

  it('turns away a client without a certificate', async () => {
    await expect(call(undefined)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('turns away a client whose certificate another authority signed', async () => {
    await expect(call({ ...theirs, ca: ours.ca })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('turns away a client whose certificate has expired', async () => {
    const expired = await authority.issue('expired', { expired: true });
    await expect(call(expired)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is turned away by a client that trusts another authority', async () => {
    await expect(call({ ...ours, ca: theirs.ca })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['ca', 'missing.pem', /^tls\.ca: cannot read .*missing\.pem: .*ENOENT/],
    ['cert', 'missing.pem', /^tls\.cert: cannot read .*missing\.pem: .*ENOENT/],
    ['key', 'missing.pem', /^tls\.key: cannot read .*missing\.pem: .*ENOENT/],
    ['ca', 'junk.pem', /^tls\.ca: .*junk\.pem is no PEM file of certificates/],
    ['cert', 'junk.pem', /^tls\.cert: .*junk\.pem is no PEM file of a certificate/],
    ['key', 'junk.pem', /^tls\.key: .*junk\.pem is no PEM file of a private key/],
    ['key', 'foreign/server.key', /^tls\.key: .*foreign\/server\.key does not belong to .*server\.pem/],
  ])('names tls.%s when it is %s, on both sides', async (part, file, message) => {
    const tls = { ...ours, [part]: join(folder, file) };
    const failure = { code: 'failed_precondition', message: expect.stringMatching(message) };
    await expect(startRpcServer({ listen, services: [], tls, onInternalError })).rejects.toMatchObject(
      failure,
    );
    expect(() => clientCredentials(tls)).toThrow(expect.objectContaining(failure));
  });
});
