import { Client } from '@grpc/grpc-js';
import { type CallSettings, type CallSource, callUnary, readStream, writeStream } from './client-calls.js';
import { keepalive } from './keepalive.js';
import { OpenCalls } from './open-calls.js';
import type { MethodShape, RequestOf, ResponseOf, ServiceShape } from './service-types.js';
import { clientCredentials, type TlsFiles } from './tls-files.js';

export type { CallSettings } from './client-calls.js';

/**
 * A method as a client calls it. Every failure is an OverlayError. A stream of responses begins with the first
 * read and is cancelled when the reader leaves; a source of requests is asked to return when the call is over.
 */
export type CallOf<M extends MethodShape> = M extends { requestStream: false; responseStream: false }
  ? (request: RequestOf<M>, settings?: CallSettings) => Promise<ResponseOf<M>>
  : M extends { requestStream: false; responseStream: true }
    ? (request: RequestOf<M>, settings?: CallSettings) => AsyncIterable<ResponseOf<M>>
    : M extends { requestStream: true; responseStream: false }
      ? (requests: AsyncIterable<RequestOf<M>>, settings?: CallSettings) => Promise<ResponseOf<M>>
      : never;

/** A client of one service on one server. */
export type RpcClient<S extends ServiceShape> = { readonly [M in keyof S]: CallOf<S[M]> } & {
  /** Closes the connection; what is open, and every later call, fails with `aborted`. Repeatable. */
  close(): void;
};

/** Where a client connects to. */
export interface RpcClientOptions {
  /** gRPC target: `host:port` or `unix:/path`. */
  readonly target: string;
  readonly tls?: TlsFiles | undefined;
  /** Default deadline of unary calls in milliseconds. */
  readonly timeoutMs?: number;
  /** Told of the server's own headers of every call that is not told of them itself. */
  readonly onHeaders?: (headers: ReadonlyMap<string, string>) => void;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * A client for a generated service definition. Connects at the first call and reconnects by itself, directly: a proxy
 * that the environment names (`http_proxy`) is not used.
 * @throws OverlayError `failed_precondition` naming the TLS file that cannot be used.
 */
export function createRpcClient<S extends ServiceShape>(
  definition: S,
  options: RpcClientOptions,
): RpcClient<S> {
  const client = new Client(options.target, clientCredentials(options.tls), {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    ...keepalive(options.target.startsWith('unix:')),
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    // Hosts and containers of the cluster: the environment's proxy is for the world outside.
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
  });
  const source: CallSource = { client, open: new OpenCalls() };
  const { timeoutMs = DEFAULT_TIMEOUT_MS, onHeaders } = options;
  const defaults = { timeoutMs, ...(onHeaders === undefined ? {} : { onHeaders }) };
  const close = () => {
    source.open.close();
    client.close();
  };
  const calls: Record<string, unknown> = { close };
  for (const [name, method] of Object.entries(definition)) calls[name] = callOf(source, method, defaults);
  return calls as RpcClient<S>;
}

function callOf(
  source: CallSource,
  method: MethodShape,
  defaults: CallSettings & { readonly timeoutMs: number },
): unknown {
  if (method.requestStream && method.responseStream) return undefined;
  if (method.responseStream) {
    return (request: unknown, settings: CallSettings = {}) =>
      readStream(source, method, request, { ...defaults, ...settings });
  }
  if (method.requestStream) {
    return (requests: AsyncIterable<unknown>, settings: CallSettings = {}) =>
      writeStream(source, method, requests, settings);
  }
  return (request: unknown, settings: CallSettings = {}) =>
    callUnary(source, method, request, { ...defaults, ...settings });
}
