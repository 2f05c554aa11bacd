import { OverlayError } from '@overlay/failure';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from '@overlay/service';
import type { CniEnvironment } from './cni-call.js';
import { cniErrorOf } from './cni-error.js';
import type { CniAnswer, CniCaller } from './cni-handler.js';

/** Answers one call of the plugin; see `handleCniCall`. */
export type AnswerCni = (environment: CniEnvironment, stdin: string, caller: CniCaller) => Promise<CniAnswer>;

/** Header with the time in Unix milliseconds until which the caller waits; without it there is no end. */
const UNTIL_HEADER = 'overlay-until-unix-ms';

const JSON_TYPE = 'application/json';
const TOO_LARGE = 413;

/**
 * Adds `POST /cni`: the query carries the plugin's `CNI_*` variables, the body its standard input, of whatever media type
 * or none. The answer is what the plugin prints, with status 200 for success, and for an error object 400, or 413 where the
 * body is too large.
 */
export function addCniRoutes(server: FastifyInstance, answer: AnswerCni): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body);
    });
    scope.post('/cni', { errorHandler: answerUnreadable }, async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';
      const until = request.headers[UNTIL_HEADER];
      const untilMs = until === undefined ? Number.POSITIVE_INFINITY : Number(until);
      // The request itself counts as destroyed once it is read; its connection does when the plugin has gone.
      const isGone = () => request.raw.socket.destroyed;
      const answered = await answer(environmentOf(request), body, { untilMs, isGone });
      reply.code(answered.ok ? 200 : 400).type(JSON_TYPE);
      return JSON.stringify(answered.ok ? answered.result : answered.error) ?? '';
    });
  });
}

/** What Fastify itself finds wrong with a request. */
function answerUnreadable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500;
  if (status >= 500) throw error;
  const isLarge = status === TOO_LARGE;
  const tooLarge = `the configuration has more than ${request.routeOptions.bodyLimit} bytes`;
  const failure = new OverlayError('invalid_argument', isLarge ? tooLarge : error.message);
  const object = cniErrorOf(failure, isLarge ? 'configuration' : 'decoding', undefined);
  void reply.code(status).type(JSON_TYPE).send(JSON.stringify(object));
}

function environmentOf(request: FastifyRequest): CniEnvironment {
  const at = request.url.indexOf('?');
  return Object.fromEntries(new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1)));
}
