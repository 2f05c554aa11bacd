import type { FastifyInstance } from '@overlay/service';
import type { DockerAnswer } from './docker-ipam.js';

/** Answers one request of Docker; see `DockerIpam.answer`. */
export type AnswerDocker = (method: string, body: unknown) => Promise<DockerAnswer>;

/** Media type of the protocol's answers (moby, pkg/plugins). */
const PLUGIN_TYPE = 'application/vnd.docker.plugins.v1.2+json';

/** Adds Docker's plugin protocol: `POST /METHOD` with a JSON body of whatever media type, or none. */
export function addDockerRoutes(server: FastifyInstance, answer: AnswerDocker): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.post('/*', async (request, reply) => {
    const [path = ''] = request.url.slice(1).split('?');
    reply.type(PLUGIN_TYPE);
    return JSON.stringify(await answer(path, decoded(request.body)));
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
