import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
import { LOOPBACK, targetOf } from './test-server.js';

let folder = '';

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
}

/** An authority of its own, that vouches for one certificate. */
function makeAuthority(name: string): TlsFiles {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    `${name}-ca.key`,
    '-out',
    `${name}-ca.pem`,
    '-subj',
    `/CN=${name}-ca`,
  );
  openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject);
  const authority = ['-CA', `${name}-ca.pem`, '-CAkey', `${name}-ca.key`, '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...authority,
    '-copy_extensions',
    'copy',
    '-out',
    `${name}.pem`,
  );
  return {
    ca: join(folder, `${name}-ca.pem`),
    cert: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
  };
}

describe('mutual TLS', () => {
  let ours: TlsFiles;
  let theirs: TlsFiles;
  let server: RpcServer;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-tls-'));
    ours = makeAuthority('ours');
    theirs = makeAuthority('theirs');
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
    ['key', 'theirs.key', /^tls\.key: .*theirs\.key does not belong to .*ours\.pem/],
  ])('names tls.%s when it is %s, on both sides', async (part, file, message) => {
    const tls = { ...ours, [part]: join(folder, file) };
    const failure = { code: 'failed_precondition', message: expect.stringMatching(message) };
    await expect(startRpcServer({ listen, services: [], tls, onInternalError })).rejects.toMatchObject(
      failure,
    );
    expect(() => clientCredentials(tls)).toThrow(expect.objectContaining(failure));
  });
});
