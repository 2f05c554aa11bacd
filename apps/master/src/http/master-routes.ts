import { OverlayError } from '@overlay/failure';
import { type DcosAgent, type DcosNetworkInfo, renderDcosAgent, renderDcosNetworkInfo } from '@overlay/model';
import type { FastifyInstance } from '@overlay/service';
import type { Cluster } from '../cluster/cluster.js';
import { deleteAgents } from '../cluster/delete-agents.js';
import { parseIps } from '../rpc/parse-fields.js';
import { STALE_HEADER, staleText } from '../stale-text.js';

/** The answer of `GET /overlay-master/state`, with DC/OS's field names. */
export interface MasterState {
  readonly network: DcosNetworkInfo;
  readonly agents: readonly DcosAgent[];
}

const JSONP_CALLBACK = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;
/** What some tools put in front of a text (RFC 8259, section 8.1, lets it be ignored). */
const BYTE_ORDER_MARK = /^\uFEFF/;
const MAX_CALLBACK_CHARACTERS = 128;

/**
 * Adds the master's own HTTP endpoints, as DC/OS has them.
 * @param doubts why what this master knows may be out of date; told in the header `overlay-stale`.
 */
export function addMasterRoutes(
  server: FastifyInstance,
  cluster: Cluster,
  doubts: () => readonly string[],
): void {
  server.get<{ Querystring: Record<string, unknown> }>('/overlay-master/state', async (request, reply) => {
    const { jsonp } = request.query;
    const stale = staleText(doubts());
    if (stale !== '') reply.header(STALE_HEADER, stale);
    if (jsonp === undefined) return renderState(cluster);
    reply.type('text/javascript; charset=utf-8').header('x-content-type-options', 'nosniff');
    return `${parseCallback(jsonp)}(${safeJson(renderState(cluster))});`;
  });
  // Tools send JSON under any content type: curl calls it a form unless told otherwise, fetch calls it text. Fastify's own
  // parser says of a key `__proto__` that the body is no JSON; here it is a key that is unknown.
  server.removeContentTypeParser(['text/plain', 'application/json']);
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body).replace(BYTE_ORDER_MARK, '')));
    } catch {
      done(OverlayError.invalid([{ field: 'body', description: 'is not JSON' }]));
    }
  });
  server.post('/overlay-master/agents/delete', async (request) => {
    const { ips, force } = parseDeletion(request.body);
    await deleteAgents(cluster, { ips: parseIps('agents', ips), force });
    return renderState(cluster);
  });
}

function renderState(cluster: Cluster): MasterState {
  const specs = cluster.networks().flatMap(({ spec }) => (spec === undefined ? [] : [spec]));
  return {
    network: renderDcosNetworkInfo(cluster.addressSpace(), specs),
    agents: Array.from(cluster.records.nodesFrom(), (node) => renderDcosAgent(cluster.assignment(node))),
  };
}

function parseCallback(text: unknown): string {
  if (typeof text === 'string' && text.length <= MAX_CALLBACK_CHARACTERS && JSONP_CALLBACK.test(text))
    return text;
  const description = 'is no name of a JavaScript function such as f or app.show';
  throw OverlayError.invalid([{ field: 'jsonp', description }]);
}

/** JSON that is also JavaScript: the two line separators are legal in one and were not in the other. */
function safeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

function parseDeletion(body: unknown): { readonly ips: readonly string[]; readonly force: boolean } {
  const refuse = (field: string, description: string) => OverlayError.invalid([{ field, description }]);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refuse('body', 'must be a JSON object like {"agents": ["10.0.0.7"], "force": false}');
  }
  const { agents, force = false, ...unknown } = body as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) throw refuse(stranger, 'is unknown; the keys are agents and force');
  if (!Array.isArray(agents) || agents.some((ip) => typeof ip !== 'string')) {
    throw refuse('agents', 'must be a list of IP addresses, for example ["10.0.0.7"]');
  }
  if (typeof force !== 'boolean') throw refuse('force', 'must be true or false');
  return { ips: agents, force };
}
