import { createServer } from 'node:net';
import { OverlayError } from '@overlay/failure';

/** The preferred TCP port of 127.0.0.1 if nobody listens on it, else one that the kernel picks. */
export async function findFreePort(preferred = 0): Promise<number> {
  const port = (await tryPort(preferred)) ?? (await tryPort(0));
  if (port === undefined) throw new OverlayError('resource_exhausted', 'no TCP port of 127.0.0.1 is free');
  return port;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : undefined));
    });
  });
}
