import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Serves TCP and UDP echo on every address of both families. A TCP connection first gets one line with the
 * address it comes from; a datagram is answered with that address, a line feed and the datagram.
 */
export async function serveEcho(port: number): Promise<void> {
  const tcp = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(`${plainAddress(socket.remoteAddress ?? '')}\n`);
    socket.pipe(socket);
  });
  tcp.listen(port, '::');
  const udp = createSocket('udp6');
  udp.on('message', (message, from) => {
    udp.send(
      Buffer.concat([Buffer.from(`${plainAddress(from.address)}\n`), message]),
      from.port,
      from.address,
    );
  });
  udp.bind(port, '::');
  await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
}

/** An IPv4 address without the `::ffff:` that a dual-stack socket puts before it. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
