import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { EchoResult } from './probe-protocol.js';

/** Where to and how much. */
export interface EchoCall {
  readonly target: string;
  readonly port: number;
  readonly sizeBytes: number;
  readonly timeoutMs: number;
}

/** Connects, sends a pattern of `sizeBytes`, and checks that the same bytes come back. Never rejects. */
export function echoTcp(call: EchoCall): Promise<EchoResult> {
  const started = performance.now();
  const payload = pattern(call.sizeBytes);
  return new Promise((resolve) => {
    const socket = connect({ host: call.target, port: call.port, noDelay: true });
    let received = Buffer.alloc(0);
    let seenAs: string | undefined;
    const finish = (error?: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome(started, seenAs, error));
    };
    const timer = setTimeout(() => finish(`no complete answer within ${call.timeoutMs} ms`), call.timeoutMs);
    socket.on('error', (cause) => finish(cause.message));
    socket.on('close', () => finish('the connection closed early'));
    socket.on('connect', () => socket.write(payload));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf('\n');
      if (seenAs === undefined && end >= 0) {
        seenAs = received.subarray(0, end).toString();
        received = received.subarray(end + 1);
      }
      if (seenAs === undefined || received.length < payload.length) return;
      finish(received.equals(payload) ? undefined : 'other bytes came back than were sent');
    });
  });
}

/** Sends one datagram of `sizeBytes` and checks its echo. Never rejects. */
export function echoUdp(call: EchoCall): Promise<EchoResult> {
  const started = performance.now();
  const payload = pattern(call.sizeBytes);
  return new Promise((resolve) => {
    const socket = createSocket(call.target.includes(':') ? 'udp6' : 'udp4');
    let seenAs: string | undefined;
    const finish = (error?: string): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.close();
      resolve(outcome(started, seenAs, error));
    };
    const timer = setTimeout(() => finish(`no answer within ${call.timeoutMs} ms`), call.timeoutMs);
    socket.once('error', (cause) => finish(cause.message));
    socket.once('message', (message) => {
      const end = message.indexOf('\n');
      seenAs = message.subarray(0, end).toString();
      finish(message.subarray(end + 1).equals(payload) ? undefined : 'other bytes came back than were sent');
    });
    socket.send(payload, call.port, call.target, (cause) => {
      if (cause !== null) finish(cause.message);
    });
  });
}

function outcome(started: number, seenAs: string | undefined, error: string | undefined): EchoResult {
  return {
    ok: error === undefined,
    ms: Math.round((performance.now() - started) * 100) / 100,
    ...(seenAs === undefined ? {} : { seenAs }),
    ...(error === undefined ? {} : { error }),
  };
}

/** Bytes that differ from their neighbours, so that a lost or repeated piece is seen. */
function pattern(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let index = 0; index < sizeBytes; index += 1) bytes[index] = (index * 31 + (index >> 8)) & 0xff;
  return bytes;
}
