import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createClients } from './etcd-options.js';

/** Something that listens on loopback, takes connections and ends them. */
async function listener() {
  const server = createServer((socket) => socket.on('error', () => undefined).destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('the clients of etcd', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('go to their members, whatever proxy the environment names', async () => {
    const [member, proxy] = await Promise.all([listener(), listener()]);
    jest.replaceProperty(process, 'env', { http_proxy: proxy.url });
    const reached = Promise.race([
      once(member.server, 'connection').then(() => 'the member'),
      once(proxy.server, 'connection').then(() => 'the proxy'),
    ]);
    const [client] = createClients({ endpoints: [member.url], prefix: '/overlay/' });
    const call = client
      ?.get('a')
      .exec()
      .catch(() => undefined);
    expect(await reached).toBe('the member');
    client?.close();
    await call;
    for (const { server } of [member, proxy]) server.close();
  });
});
