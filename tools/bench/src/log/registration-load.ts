import { type ClientHttp2Session, connect } from 'node:http2';
import { RegisterAgentRequest, RegisterAgentResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { sampleIp } from './sample-agents.js';

/** Which calls a load makes. */
export interface RegistrationLoad {
  /** `host:port` of a gRPC server without TLS. */
  readonly target: string;
  /** Number of the first agent that joins; the others follow. */
  readonly first: number;
  /** How long the rate is measured, after a warm-up. */
  readonly seconds: number;
  /** False for a server whose answers are no registrations. */
  readonly decodes: boolean;
}

/** What a load measured. */
export interface LoadResult {
  readonly perSecond: number;
  /** Size of the last answer. */
  readonly answerBytes: number;
}

/** Registrations that wait for their answer at any time; a master commits what waits together. */
export const IN_FLIGHT = 256;
const CONNECTIONS = 4;
const WARM_UP_MS = 2_000;
/** More than any server here answers; what lies beyond is encoded when it is needed. */
const ENCODED_PER_SECOND = 25_000;
/** One answer in so many is decoded: to decode them all would cost as much as to make the calls. */
const DECODED_EVERY = 64;
const HEADERS = {
  ':method': 'POST',
  ':path': '/overlay.v1.MasterService/RegisterAgent',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/**
 * Registers new agents as fast as a server answers. The load shares the machine with what it measures, so it is made
 * cheap: requests are encoded beforehand, and calls are plain HTTP/2 streams (gRPC over HTTP/2), which cost a third of
 * a gRPC client's.
 * @throws OverlayError what a call fails with, `internal` for a registration without a block.
 */
export async function measureLoad(load: RegistrationLoad): Promise<LoadResult> {
  const encoded = Array.from({ length: load.seconds * ENCODED_PER_SECOND }, (_, index) =>
    requestOf(load.first + index),
  );
  const sessions = Array.from({ length: CONNECTIONS }, () => connect(`http://${load.target}`));
  const fromMs = performance.now() + WARM_UP_MS;
  const untilMs = fromMs + load.seconds * 1_000;
  let next = 0;
  let counted = 0;
  let answerBytes = 0;
  const lane = async (session: ClientHttp2Session): Promise<void> => {
    while (performance.now() < untilMs) {
      const index = next;
      next += 1;
      const answer = await call(session, encoded[index] ?? requestOf(load.first + index));
      const nowMs = performance.now();
      if (nowMs >= fromMs && nowMs < untilMs) counted += 1;
      answerBytes = answer.length;
      if (load.decodes && index % DECODED_EVERY === 0) requireBlock(answer);
    }
  };
  try {
    await Promise.all(
      sessions.flatMap((session) => Array.from({ length: IN_FLIGHT / CONNECTIONS }, () => lane(session))),
    );
  } finally {
    for (const session of sessions) session.destroy();
  }
  return { perSecond: counted / load.seconds, answerBytes };
}

/** A request as the body of a call: one message behind its length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
function requestOf(index: number): Buffer {
  const message = RegisterAgentRequest.encode({
    nodeId: `joining-${index}`,
    ip: sampleIp(index),
    networkConfig: { allocateSubnet: true, mesosBridge: true, dockerBridge: true },
    attributes: {},
  }).finish();
  const body = Buffer.alloc(5 + message.length);
  body.writeUInt32BE(message.length, 1);
  body.set(message, 5);
  return body;
}

/** One call; resolves with the answer's message. */
function call(session: ClientHttp2Session, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(HEADERS);
    const parts: Buffer[] = [];
    let status = 'no status';
    const read = (headers: Readonly<Record<string, unknown>>): void => {
      const code = headers['grpc-status'];
      if (code !== undefined) status = `status ${String(code)}: ${String(headers['grpc-message'] ?? '')}`;
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', reject);
    stream.on('close', () => {
      const [only] = parts;
      if (status.startsWith('status 0:'))
        resolve((parts.length === 1 && only ? only : Buffer.concat(parts)).subarray(5));
      else reject(new OverlayError('unavailable', `a registration was answered with ${status}`));
    });
    stream.end(body);
  });
}

function requireBlock(answer: Buffer): void {
  const { assignment } = RegisterAgentResponse.decode(answer);
  if (assignment !== undefined && assignment.networks[0]?.subnet !== '') return;
  throw new OverlayError('internal', 'an agent was registered without a block');
}
