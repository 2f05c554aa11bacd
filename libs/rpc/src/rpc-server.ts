import { chmod } from 'node:fs/promises';
import { logVerbosity, Server, type ServiceDefinition, setLogVerbosity } from '@grpc/grpc-js';
import { OverlayError, toOverlayError, transportReason } from '@overlay/failure';
import { formatListenAddress, type ListenAddress } from '@overlay/model';
import { addHealth } from './health.js';
import { keepalive } from './keepalive.js';
import { reflectionServices } from './reflection.js';
import type { InternalErrorListener, RpcService } from './service-handlers.js';
import { type ServiceShape, serviceName } from './service-types.js';
import { serverCredentials, type TlsFiles } from './tls-files.js';

/** What a gRPC server is made of. */
export interface RpcServerOptions {
  /** Where to listen; the key names the setting in errors, for example `listen.grpc`. */
  readonly listen: { readonly key: string; readonly address: ListenAddress };
  readonly services: readonly RpcService[];
  readonly tls?: TlsFiles | undefined;
  readonly onInternalError: InternalErrorListener;
}

/** A listening gRPC server. */
export interface RpcServer {
  /** Where it listens; a requested port 0 is replaced by the port that was found. */
  readonly address: ListenAddress;
  /** Reports a service (by full name, or '' for the whole server) as serving or not to health checks. */
  setServing(service: string, serving: boolean): void;
  /**
   * Stops accepting, ends the streams of its services, waits up to `graceMs` for other open calls, then cancels them.
   * Repeatable.
   */
  close(graceMs: number): Promise<void>;
}

/** What a connection may take to end once its calls are cancelled. */
const LAST_FRAMES_MS = 500;
const HEALTH_SERVICE = 'grpc.health.v1.Health';

/**
 * Starts a server with health checking (grpc.health.v1) and server reflection on top of the given services.
 * Every service starts as serving.
 * @throws OverlayError `failed_precondition` naming the key if the address cannot be listened on or a TLS file
 * cannot be used.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  // What grpc-js would print of its own accord is in the errors already.
  if (process.env.GRPC_VERBOSITY === undefined) setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
    ...keepalive(options.listen.address.kind === 'unix'),
    'grpc-node.max_session_memory': 64,
    // Its counts of every call are served nowhere.
    'grpc.enable_channelz': 0,
  });
  const names = options.services.map((service) => nameOf(service.definition));
  const health = addHealth(server, ['', ...names]);
  const reflected = reflectionServices([...names, HEALTH_SERVICE], options.onInternalError);
  const services = [...options.services, ...reflected];
  for (const service of services) {
    server.addService(service.definition, service.implementation);
  }
  const port = await bind(server, options);
  const wanted = options.listen.address;
  const address = wanted.kind === 'tcp' ? { ...wanted, port } : wanted;
  let closing: Promise<void> | undefined;
  return {
    address,
    setServing: (service, serving) => health.setServing(service, serving),
    close: (graceMs) => {
      closing ??= shutDown(server, formatListenAddress(address), graceMs);
      for (const service of [health, ...services]) service.endStreams();
      return closing;
    },
  };
}

function nameOf(definition: ServiceDefinition): string {
  return serviceName(definition as unknown as ServiceShape);
}

async function bind(server: Server, { listen, tls }: RpcServerOptions): Promise<number> {
  const { key, address } = listen;
  const target = formatListenAddress(address);
  const credentials = serverCredentials(tls);
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(target, credentials, (error, found) => {
        if (error === null) resolve(found);
        else reject(error);
      });
    });
    if (address.kind === 'unix') await chmod(address.path, 0o600);
    return port;
  } catch (error) {
    server.forceShutdown();
    const reason = transportReason(toOverlayError(error).message);
    const message = `${key}: cannot listen on ${target}: ${reason}`;
    throw new OverlayError('failed_precondition', message, { cause: error });
  }
}

async function shutDown(server: Server, bound: string, graceMs: number): Promise<void> {
  // Not `forceShutdown`, which ends no connection of a server that does not count calls.
  server.drain(bound, graceMs);
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  let timer: NodeJS.Timeout | undefined;
  // Who has connected and has not finished a TLS handshake has no call that could be ended.
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs + LAST_FRAMES_MS);
  });
  await Promise.race([closed, late]);
  clearTimeout(timer);
}
