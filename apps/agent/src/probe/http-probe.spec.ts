import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { probeHttp } from './http-probe.js';
import type { ProbeFinding } from './probe-finding.js';

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

let server: Server | undefined;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

/** A GET to a server that does as it is told once it is asked something. */
async function probe(
  answer: (socket: Socket) => unknown,
  { timeoutMs = 10_000, bodyContains = '' } = {},
): Promise<ProbeFinding> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const wish = { kind: 'http', port, path: '/', tls: false, bodyContains } as const;
  return await probeHttp('127.0.0.1', wish, AbortSignal.timeout(timeoutMs));
}

function repeating(text: string) {
  return (socket: Socket) => {
    const timer = setInterval(() => socket.write(text), 5);
    socket.on('close', () => clearInterval(timer));
  };
}

describe('probeHttp', () => {
  it.each([
    ['at once', SWITCHING],
    ['after another informational one', `HTTP/1.1 100 Continue\r\n\r\n${SWITCHING}`],
    ['with data of the other protocol', `${SWITCHING}hello`],
  ])('takes an answer of 101 %s as a status that was not asked for, and hangs up', async (_when, text) => {
    const finding = await probe((socket) => socket.write(text));
    expect(finding).toEqual({ healthy: false, detail: 'status 101, expected 200 to 399' });
    const [socket] = sockets;
    if (socket?.closed === false) await once(socket, 'close');
  });

  it.each([
    ['nothing', (socket: Socket) => socket.end()],
    ['a reset', (socket: Socket) => socket.resetAndDestroy()],
    ['half a header', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nServer: ')],
    ['HTTP/2', (socket: Socket) => socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))],
  ])('ends with a server that answers %s', async (_what, answer) => {
    await expect(probe(answer)).resolves.toMatchObject({ healthy: false });
  });

  it.each([
    ['half a header', (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nServer: ')],
    ['informational answers for ever', repeating('HTTP/1.1 103 Early Hints\r\n\r\n')],
    ['half a body', (socket: Socket) => socket.write(`${HEAD}3\r\nabc\r\n`)],
    ['half of the trailers', (socket: Socket) => socket.write(`${HEAD}3\r\nabc\r\n0\r\nServer: `)],
  ])('does not wait for a server that goes on with %s', async (_what, answer) => {
    const finding = await probe(answer, { timeoutMs: 100, bodyContains: 'needle' });
    expect(finding).toEqual({ healthy: false, detail: expect.stringContaining('in time') });
  });
});
