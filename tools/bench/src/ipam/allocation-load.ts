import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { AllocateRequest, AllocationHalf, ReleaseRequest } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';

/** Which calls a load makes. */
export interface AllocationLoad {
  /** Path of the unix socket of an `overlay.v1.IpamService`. */
  readonly socket: string;
  readonly network: string;
  /** Callers, each with an owner of its own; each waits for an answer before its next call. */
  readonly inFlight: number;
  readonly durationMs: number;
}

const ALLOCATE = '/overlay.v1.IpamService/Allocate';
const RELEASE = '/overlay.v1.IpamService/Release';
/** Until both programs are compiled as they stay. */
const WARM_UP_MS = 1_500;

/**
 * Allocates and releases as fast as a server answers. @returns pairs per second. The load shares the machine with
 * what it measures, so it is made cheap: requests are encoded beforehand, and calls are plain HTTP/2 streams (gRPC
 * over HTTP/2), which cost a third of a gRPC client's.
 * @throws OverlayError `unavailable` with the status of a call that failed.
 */
export async function measureAllocationLoad(load: AllocationLoad): Promise<number> {
  const session = connect('http://localhost', { createConnection: () => connectSocket(load.socket) });
  const fromMs = performance.now() + WARM_UP_MS;
  const untilMs = fromMs + load.durationMs;
  let pairs = 0;
  const caller = async (number: number): Promise<void> => {
    const owner = { containerId: `caller-${number}`, interface: 'eth0' };
    const place = { network: load.network, half: AllocationHalf.CNI, owner };
    const wish = { ...place, requestedIps: [], reservation: '', labels: {} };
    const allocate = bodyOf(AllocateRequest.encode(wish).finish());
    const release = bodyOf(ReleaseRequest.encode(place).finish());
    while (performance.now() < untilMs) {
      await call(session, ALLOCATE, allocate);
      await call(session, RELEASE, release);
      const nowMs = performance.now();
      if (nowMs >= fromMs && nowMs < untilMs) pairs += 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: load.inFlight }, (_, number) => caller(number)));
  } finally {
    session.destroy();
  }
  return (pairs * 1000) / load.durationMs;
}

/** One message behind its length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
function bodyOf(message: Uint8Array): Buffer {
  const body = Buffer.alloc(5 + message.length);
  body.writeUInt32BE(message.length, 1);
  body.set(message, 5);
  return body;
}

function call(session: ClientHttp2Session, path: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request(headers);
    let status = 'no status';
    const read = (answered: Readonly<Record<string, unknown>>): void => {
      const code = answered['grpc-status'];
      if (code !== undefined) status = `status ${String(code)}: ${String(answered['grpc-message'] ?? '')}`;
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('error', reject);
    stream.on('close', () => {
      if (status.startsWith('status 0:')) resolve();
      else reject(new OverlayError('unavailable', `${path} was answered with ${status}`));
    });
    stream.resume();
    stream.end(body);
  });
}
