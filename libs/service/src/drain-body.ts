import type { IncomingMessage } from 'node:http';

/** What is read of a body that nobody wants, before the answer goes out all the same. */
export interface DrainBounds {
  readonly bytes: number;
  readonly ms: number;
}

/**
 * Reads on and drops what is left of a request's body. A server that answers and closes while the client still sends
 * makes the client's kernel drop the answer (a reset, or EPIPE on the write): it has to read first (RFC 9112,
 * section 9.6). Ends within the bounds, for a client could send without end; returns at once for a body that is read.
 */
export async function drainBody(request: IncomingMessage, { bytes, ms }: DrainBounds): Promise<void> {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  if (request.complete || (coding === undefined && Number(length) === 0)) return;
  let left = bytes;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(finish, ms);
    function finish(): void {
      clearTimeout(timer);
      request.off('data', count).off('end', finish).off('close', finish);
      resolve();
    }
    function count(piece: Buffer): void {
      left -= piece.length;
      if (left < 0) finish();
    }
    request.on('data', count).once('end', finish).once('close', finish);
    request.resume();
  });
}
