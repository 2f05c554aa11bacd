import { connect, type NetConnectOpts } from 'node:net';

/** A small generator of reproducible bytes (xorshift32), for noise that is the same in every run. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}

const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** What strangers, scanners and broken clients send, by what it resembles. */
export const JUNK: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  noise: noise(64 * 1024, 1),
  zeros: Buffer.alloc(64 * 1024),
  'a TLS greeting': Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), noise(500, 2)]),
  'half a request': Buffer.from('GET /overlay-master/state HTTP/1.1\r\nHost: x\r\n'),
  'an endless header': Buffer.from(`GET / HTTP/1.1\r\nX: ${'a'.repeat(1024 * 1024)}`),
  'a bad length': Buffer.from('POST /cni HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}'),
  'a smuggled request': Buffer.from(
    'POST /cni HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
  ),
  'HTTP/2 and then noise': Buffer.concat([Buffer.from(HTTP2_PREFACE), noise(16 * 1024, 3)]),
  'HTTP/2 and a frame too large': Buffer.concat([
    Buffer.from(HTTP2_PREFACE),
    Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]),
    noise(1024, 4),
  ]),
};

/** Writes the bytes and closes, whatever the other end does meanwhile. Resolves when the socket is gone. */
export function sendBytes(to: NetConnectOpts, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(to, () => socket.end(bytes));
    const giveUp = setTimeout(() => socket.destroy(), 200);
    socket.on('error', () => socket.destroy()); // being thrown out is an answer
    socket.resume();
    socket.once('close', () => {
      clearTimeout(giveUp);
      resolve();
    });
  });
}
