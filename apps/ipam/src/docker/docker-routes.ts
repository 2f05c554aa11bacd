import { toOverlayError } from '@overlay/failure';
import type { FastifyInstance } from '@overlay/service';

/** An answer of the plugin protocol; a failure has the key `Error`. */
export type DockerAnswer = Readonly<Record<string, unknown>>;

/** Answers one request of Docker that nobody waits for any more once the host's uptime is `untilMs`. Never rejects. */
export type AnswerDocker = (method: string, body: unknown, untilMs: number) => Promise<DockerAnswer>;

/** Folder of the protocol's methods on overlay-ipam's HTTP socket. */
export const DOCKER_PATH = '/docker';

/** Header with the host's uptime in milliseconds (CLOCK_MONOTONIC) until which the caller waits. */
export const UNTIL_HEADER = 'overlay-until-uptime-ms';

/** Media type of the protocol's answers (moby, pkg/plugins). */
const PLUGIN_TYPE = 'application/vnd.docker.plugins.v1.2+json';

/**
 * Adds Docker's plugin protocol: `POST <folder>/METHOD` with a JSON body of whatever media type, or none. A failure is
 * 200 with `{Error}`, for Docker shows nothing else in its own words; a body that is too large is one, too.
 */
export function addDockerRoutes(server: FastifyInstance, folder: string, answer: AnswerDocker): void {
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body);
    });
    scope.setErrorHandler((error, _request, reply) => {
      const reason = toOverlayError(error).message;
      reply
        .code(200)
        .type(PLUGIN_TYPE)
        .send(JSON.stringify({ Error: `overlay: ${reason}` }));
    });
    scope.post(`${folder}/*`, async (request, reply) => {
      const [path = ''] = request.url.slice(folder.length + 1).split('?');
      const until = request.headers[UNTIL_HEADER];
      const untilMs = until === undefined ? Number.POSITIVE_INFINITY : Number(until);
      reply.type(PLUGIN_TYPE);
      return JSON.stringify(await answer(path, decoded(request.body), untilMs));
    });
  });
}

/** What is no JSON is refused by whoever reads it: nothing is an object without the keys that are needed. */
function decoded(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
