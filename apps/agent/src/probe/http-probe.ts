import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { toOverlayError } from '@overlay/failure';
import type { HttpProbe } from './parse-probe.js';
import { healthy, type ProbeFinding, unhealthy } from './probe-finding.js';

/** How much of a body is looked at. */
const BODY_LIMIT_BYTES = 1024 * 1024;

/**
 * One GET, on a connection of its own. Redirections are not followed. A certificate is not verified: it is made out
 * to a name, and what is asked here is whether the server answers.
 */
export async function probeHttp(ip: string, probe: HttpProbe, signal: AbortSignal): Promise<ProbeFinding> {
  try {
    const response = await answerOf(ip, probe, signal);
    const status = response.statusCode ?? 0;
    if (!isExpected(status, probe.expectedStatus)) {
      response.destroy();
      return unhealthy(`status ${status}, expected ${probe.expectedStatus ?? '200 to 399'}`);
    }
    if (probe.bodyContains === '') {
      response.destroy();
      return healthy(`status ${status}`);
    }
    const contains = await bodyContains(response, probe.bodyContains);
    const text = JSON.stringify(probe.bodyContains);
    return contains
      ? healthy(`status ${status}, the body contains ${text}`)
      : unhealthy(`status ${status}, but the body does not contain ${text}`);
  } catch (thrown) {
    if (signal.aborted) return unhealthy(`no answer on port ${probe.port} in time`);
    return unhealthy(toOverlayError(thrown).message);
  }
}

function isExpected(status: number, expected: number | undefined): boolean {
  return expected === undefined ? status >= 200 && status < 400 : status === expected;
}

function answerOf(ip: string, probe: HttpProbe, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = probe.tls ? requestHttps : requestHttp;
    const request = send({
      host: ip,
      port: probe.port,
      path: probe.path,
      method: 'GET',
      agent: false,
      signal,
      headers: { 'user-agent': 'overlay-probe', accept: '*/*' },
      ...(probe.tls ? { rejectUnauthorized: false } : {}),
    });
    request.once('response', resolve);
    // An answer of 101 that nobody listens for would end the request without a word.
    request.once('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    // Stays on: a connection that breaks later must not end the process.
    request.on('error', reject);
    request.once('close', () => reject(new Error('the connection was closed before there was an answer')));
    request.end();
  });
}

/** Leaves the response as soon as the text is found or the limit is read. */
async function bodyContains(response: IncomingMessage, text: string): Promise<boolean> {
  const wanted = Buffer.from(text);
  let body = Buffer.alloc(0);
  for await (const chunk of response) {
    const from = Math.max(0, body.length - wanted.length);
    body = Buffer.concat([body, chunk as Buffer]).subarray(0, BODY_LIMIT_BYTES);
    if (body.includes(wanted, from)) return true;
    if (body.length === BODY_LIMIT_BYTES) return false;
  }
  return false;
}
