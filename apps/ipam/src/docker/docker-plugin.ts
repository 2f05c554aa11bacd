import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OverlayError } from '@overlay/failure';
import type { IpamConfig } from '@overlay/model';
import { type Clock, type Logger, startHttpServer } from '@overlay/service';
import { DockerIpam, type DockerIpamDeps } from './docker-ipam.js';
import { addDockerRoutes } from './docker-routes.js';

/** What the plugin's socket is made of. */
export interface DockerPluginDeps {
  readonly config: Pick<IpamConfig, 'dockerPluginSocket'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
}

/** Docker's way in. */
export interface DockerPlugin {
  /** Gives addresses from now on; until then only the handshake is answered. */
  serve(deps: DockerIpamDeps): void;
  close(): Promise<void>;
}

const KEY = 'docker_plugin_socket';

/**
 * Listens for Docker if the configuration wants that: as early as possible, for a dockerd that starts meanwhile
 * tries a missing plugin for 15 s with every call.
 * @throws OverlayError `failed_precondition` naming the key if the socket cannot be listened on.
 */
export async function startDockerPlugin({
  config,
  clock,
  logger,
}: DockerPluginDeps): Promise<DockerPlugin | undefined> {
  const path = config.dockerPluginSocket;
  if (path === undefined) return undefined;
  let serve: (deps: DockerIpamDeps) => void = () => undefined;
  const ready = new Promise<DockerIpamDeps>((resolve) => {
    serve = resolve;
  });
  const ipam = new DockerIpam(clock, ready);
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OverlayError('failed_precondition', `${KEY}: ${dirname(path)} cannot be made: ${reason}`);
  }
  const server = await startHttpServer({
    listen: { key: KEY, address: { kind: 'unix', path } },
    logger,
    routes: (instance) => addDockerRoutes(instance, (method, body) => ipam.answer(method, body)),
  });
  return { serve, close: () => server.close() };
}
