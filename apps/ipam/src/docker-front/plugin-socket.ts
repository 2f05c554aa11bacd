import { existsSync } from 'node:fs';
import {
  type Clock,
  type FastifyInstance,
  type Logger,
  type Metrics,
  type Readiness,
  startHttpServer,
} from '@overlay/service';
import { repeat } from '../repeat.js';

/** What the socket is made of. */
export interface PluginSocketOptions {
  readonly path: string;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
  /** Served beside Docker's protocol, which is all POST. */
  readonly probes: { readonly readiness: Readiness; readonly metrics: Metrics };
  readonly routes: (server: FastifyInstance) => void;
}

/** A socket that is listened on. */
export interface PluginSocket {
  close(): Promise<void>;
}

/** dockerd tries a missing plugin anew after 1, 2, 4 and 8 s. */
const LOOK_MS = 1000;

/**
 * Listens for Docker, and makes the socket again when somebody has removed it.
 * @throws OverlayError `failed_precondition` naming the key if it cannot be listened on at first.
 */
export async function keepPluginSocket(options: PluginSocketOptions): Promise<PluginSocket> {
  const { path, clock, logger, probes, routes } = options;
  const listen = () =>
    startHttpServer({
      listen: { key: 'sockets.docker_plugin', address: { kind: 'unix', path } },
      logger,
      probes,
      routes,
    });
  let server = await listen();
  const ending = new AbortController();
  const watching = repeat({
    clock,
    intervalMs: LOOK_MS,
    signal: ending.signal,
    run: async () => {
      if (existsSync(path)) return;
      logger.warn({ event: 'docker_plugin_socket_removed', path });
      // Closed first: closing removes what stands at the path.
      await server.close();
      server = await listen();
    },
    onError: (error) => logger.error({ event: 'docker_plugin_socket_failed', path, err: error }),
  });
  return {
    async close() {
      ending.abort();
      await watching;
      await server.close();
    },
  };
}
