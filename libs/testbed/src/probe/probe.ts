import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { OverlayError } from '@overlay/failure';
import { echoTcp, echoUdp } from './echo-client.js';
import { serveEcho } from './echo-server.js';
import { EchoStream } from './echo-stream.js';
import { ECHO_PORT, type EchoResult, type ProbeRequest, type StreamStatus } from './probe-protocol.js';

/**
 * Runs inside a namespace: serves echo there, and on request talks to the echo servers of others. It takes
 * requests on a unix socket, which works across network namespaces.
 */
export async function runProbe(socketPath: string): Promise<void> {
  await serveEcho(ECHO_PORT);
  const streams = new Map<number, EchoStream>();
  const server = createServer((socket) => serve(socket, streams));
  server.listen(socketPath);
  await once(server, 'listening');
}

function serve(socket: Socket, streams: Map<number, EchoStream>): void {
  socket.on('error', () => socket.destroy());
  createInterface({ input: socket }).on('line', (line) => {
    const request = JSON.parse(line) as ProbeRequest;
    answer(request, streams).then(
      (result) => socket.write(`${JSON.stringify({ id: request.id, result })}\n`),
      (cause: unknown) => socket.write(`${JSON.stringify({ id: request.id, error: String(cause) })}\n`),
    );
  });
}

async function answer(
  request: ProbeRequest,
  streams: Map<number, EchoStream>,
): Promise<EchoResult | StreamStatus> {
  switch (request.operation) {
    case 'tcp':
      return echoTcp(request);
    case 'udp':
      return echoUdp(request);
    case 'stream-open': {
      const stream = new EchoStream(request.id, request.target, request.port, request.intervalMs);
      streams.set(request.id, stream);
      return stream.status();
    }
    case 'stream-status':
    case 'stream-close': {
      const stream = streams.get(request.stream);
      if (stream === undefined) throw new OverlayError('not_found', `no stream ${request.stream}`);
      const status = stream.status();
      if (request.operation === 'stream-close') {
        stream.close();
        streams.delete(request.stream);
      }
      return status;
    }
  }
}
