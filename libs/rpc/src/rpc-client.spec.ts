import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { IpamServiceService } from '@overlay/contracts';
import { createRpcClient } from './rpc-client.js';

/** Something that listens on loopback, takes connections and ends them. */
async function listener(): Promise<{ readonly server: Server; readonly at: string }> {
  const server = createServer((socket) => socket.on('error', () => undefined).destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, at: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('a client', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each(['grpc_proxy', 'https_proxy', 'http_proxy'])(
    'goes to its server, whatever %s says',
    async (name) => {
      const [target, proxy] = await Promise.all([listener(), listener()]);
      jest.replaceProperty(process, 'env', { [name]: `http://${proxy.at}` });
      const reached = Promise.race([
        once(target.server, 'connection').then(() => 'the server'),
        once(proxy.server, 'connection').then(() => 'the proxy'),
      ]);
      const client = createRpcClient(IpamServiceService, { target: target.at });
      const call = client.getCapacity({ network: '' }).catch(() => undefined);
      expect(await reached).toBe('the server');
      client.close();
      await call;
      for (const { server } of [target, proxy]) server.close();
    },
  );
});
