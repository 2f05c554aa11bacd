import { readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { OverlayError, toOverlayError } from '@overlay/failure';
import { formatListenAddress, type ListenAddress, type TlsFiles } from '@overlay/model';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { claimUnixSocket } from './claim-unix-socket.js';
import { type DrainBounds, drainBody } from './drain-body.js';
import { httpStatusOfFailure } from './http-status.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import type { Readiness } from './readiness.js';
import { refuseForeignPages } from './refuse-foreign-pages.js';
import { requireCertificate } from './require-certificate.js';

export type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** What an HTTP server is made of. */
export interface HttpServerOptions {
  /** Where to listen; the key names the setting in errors, for example `listen.http`. */
  readonly listen: { readonly key: string; readonly address: ListenAddress };
  readonly logger: Logger;
  /** Serves `/healthz`, `/readyz` and `/metrics` when given. */
  readonly probes?: { readonly readiness: Readiness; readonly metrics: Metrics };
  /** Paths of PEM files for HTTPS, with which only callers with a certificate may do more than read; plaintext without. */
  readonly tls?: TlsFiles | undefined;
  /** Largest accepted body in bytes. */
  readonly bodyLimitBytes?: number;
  /** How long a request may take to come in, and so a connection to its first; 30 s unless said, for tests. */
  readonly requestLimitMs?: number;
  /** Adds the process's own routes. */
  readonly routes?: (server: FastifyInstance) => void;
}

/** A listening HTTP server. */
export interface HttpServer {
  /** Where it listens; a requested port 0 is replaced by the port that was found. */
  readonly address: ListenAddress;
  /** Stops accepting, lets open requests end within a second, then closes every connection. Repeatable. */
  close(): Promise<void>;
}

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 64 * 1024;
/** A body beyond this was not sent by mistake. */
const DRAIN: DrainBounds = { bytes: 16 * 1024 * 1024, ms: 1_000 };
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const CLOSE_GRACE_MS = 1_000;
const REQUEST_LIMIT_MS = 30_000;
/** How often connections are looked at for requests that take too long. */
const CHECK_MS = 5_000;
/** One more is closed as it comes: what a process needs files for goes before what strangers ask. */
const MAX_CONNECTIONS = 10_000;

/**
 * Starts an HTTP server. Every error is JSON `{"error": reason}` with the failure's status; a known path with a
 * wrong method is 405 with `Allow`.
 * @throws OverlayError `failed_precondition` naming the key if the address cannot be listened on.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const requestLimitMs = options.requestLimitMs ?? REQUEST_LIMIT_MS;
  const common = {
    bodyLimit: options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
    requestTimeout: requestLimitMs,
    forceCloseConnections: 'idle',
    logger: false,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      answerError(error, request, reply, options.logger),
  } as const;
  const bounds = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: requestLimitMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, requestLimitMs),
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? fastify({ ...common, http: bounds })
      : (fastify({
          ...common,
          https: {
            cert: pem('cert', tls),
            key: pem('key', tls),
            ca: pem('ca', tls),
            requestCert: true,
            // Browsers and DC/OS's tools, which have none, may read.
            rejectUnauthorized: false,
            handshakeTimeout: requestLimitMs,
            ...bounds,
          },
        }) as unknown as FastifyInstance);
  server.server.maxConnections = MAX_CONNECTIONS;
  server.addHook('onRequest', async (request) => refuseForeignPages(request));
  if (tls !== undefined) server.addHook('onRequest', async (request) => requireCertificate(request));
  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.logger));
  server.setNotFoundHandler((request, reply) => answerUnknown(server, request, reply));
  server.addHook('onSend', async (request) => drainBody(request.raw, DRAIN));
  if (options.probes !== undefined) addProbes(server, options.probes);
  options.routes?.(server);
  const { key, address } = options.listen;
  await claimUnixSocket(key, address);
  try {
    await server.listen(
      address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
    );
    if (address.kind === 'unix') await chmod(address.path, 0o600);
  } catch (error) {
    await server.close();
    const reason = toOverlayError(error).message;
    const message = `${key}: cannot listen on ${formatListenAddress(address)}: ${reason}`;
    throw new OverlayError('failed_precondition', message, { cause: error });
  }
  const bound = server.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  let closing: Promise<void> | undefined;
  return {
    address: address.kind === 'tcp' ? { ...address, port } : address,
    close: () => {
      closing ??= shutDown(server);
      return closing;
    },
  };
}

async function shutDown(server: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => server.server.closeAllConnections(), CLOSE_GRACE_MS);
  await server.close();
  clearTimeout(timer);
}

function pem(name: keyof TlsFiles, tls: TlsFiles): Buffer {
  try {
    return readFileSync(tls[name]);
  } catch (error) {
    const reason = toOverlayError(error).message;
    throw new OverlayError('failed_precondition', `tls.${name}: cannot read ${tls[name]}: ${reason}`);
  }
}

function addProbes(server: FastifyInstance, probes: { readiness: Readiness; metrics: Metrics }): void {
  server.get('/healthz', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const reasons = probes.readiness.reasons();
    reply.code(reasons.length === 0 ? 200 : 503);
    return reasons.length === 0 ? { status: 'ok' } : { status: 'not ready', reasons };
  });
  server.get('/metrics', async (_request, reply) => {
    reply.type(probes.metrics.contentType);
    return probes.metrics.render();
  });
}

function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const framework = thrown as { statusCode?: unknown; message?: unknown };
  if (
    !(thrown instanceof OverlayError) &&
    typeof framework.statusCode === 'number' &&
    framework.statusCode < 500
  ) {
    reply.code(framework.statusCode).send({ error: String(framework.message) });
    return;
  }
  const error = toOverlayError(thrown);
  if (error.code === 'internal')
    logger.error({ event: 'http_internal_error', url: request.url, err: thrown });
  reply.code(httpStatusOfFailure(error.code)).send({
    error: error.message,
    ...(error.violations.length > 0 ? { violations: error.violations } : {}),
  });
}

function answerUnknown(server: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?')[0] ?? '/';
  const allowed = METHODS.filter((method) => server.hasRoute({ url: path, method }));
  if (allowed.length > 0) {
    reply.code(405).header('allow', allowed.join(', '));
    reply.send({ error: `${request.method} is not allowed on ${path}: use ${allowed.join(' or ')}` });
    return;
  }
  reply.code(404).send({ error: `nothing is at ${path}` });
}
