import type { FastifyInstance, FastifyRequest } from '@overlay/service';
import type { CniEnvironment } from './cni-call.js';
import type { CniAnswer, CniCaller } from './cni-handler.js';

/** Answers one call of the plugin; see `handleCniCall`. */
export type AnswerCni = (environment: CniEnvironment, stdin: string, caller: CniCaller) => Promise<CniAnswer>;

/** Header with the time in Unix milliseconds until which the caller waits; without it there is no end. */
const UNTIL_HEADER = 'overlay-until-unix-ms';

/** Media type of a body that is a plugin's standard input, byte by byte. */
const STDIN_TYPE = 'application/octet-stream';

/**
 * Adds `POST /cni`: the query carries the plugin's `CNI_*` variables, the body its standard input. The answer
 * is what the plugin prints, with status 200 for success and 400 for an error object.
 */
export function addCniRoutes(server: FastifyInstance, answer: AnswerCni): void {
  server.addContentTypeParser(STDIN_TYPE, { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.post('/cni', async (request, reply) => {
    const body = Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';
    const until = request.headers[UNTIL_HEADER];
    const untilMs = until === undefined ? Number.POSITIVE_INFINITY : Number(until);
    // The request itself counts as destroyed once it is read; its connection does when the plugin has gone.
    const isGone = () => request.raw.socket.destroyed;
    const answered = await answer(environmentOf(request), body, { untilMs, isGone });
    reply.code(answered.ok ? 200 : 400).type('application/json');
    return JSON.stringify(answered.ok ? answered.result : answered.error) ?? '';
  });
}

function environmentOf(request: FastifyRequest): CniEnvironment {
  const at = request.url.indexOf('?');
  return Object.fromEntries(new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1)));
}
