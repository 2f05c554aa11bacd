import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { IpamServiceService } from '@overlay/contracts';
import { createRpcClient } from './rpc-client.js';

const VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_grpc_proxy', 'no_proxy'];

/** Something that listens on loopback, takes connections and ends them. */
async function listener(): Promise<{ readonly server: Server; readonly at: string }> {
  const server = createServer((socket) => socket.on('error', () => undefined).destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, at: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('a client', () => {
  const environment = new Map<string, string | undefined>();
  beforeEach(() => {
    for (const name of VARIABLES) {
      environment.set(name, process.env[name]);
      delete process.env[name];
    }
  });
  afterEach(() => {
    for (const [name, value] of environment) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  it.each(['grpc_proxy', 'https_proxy', 'http_proxy'])(
    'goes to its server, whatever %s says',
    async (name) => {
      const [target, proxy] = await Promise.all([listener(), listener()]);
      process.env[name] = `http://${proxy.at}`;
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
