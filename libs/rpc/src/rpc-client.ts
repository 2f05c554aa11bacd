import { Client, type ClientReadableStream, type ClientWritableStream } from '@grpc/grpc-js';
import { OverlayError } from '@overlay/failure';
import { errorOfCall } from './error-details.js';
import type { MethodShape, RequestOf, ResponseOf, ServiceShape } from './service-types.js';
import { clientCredentials, type TlsFiles } from './tls-files.js';

/** Settings of one call. */
export interface CallSettings {
  /** Milliseconds until a unary call fails with `deadline_exceeded`; streams have no deadline. */
  readonly timeoutMs?: number;
  /** Cancels the call, which then fails with `aborted`. */
  readonly signal?: AbortSignal;
}

/** A method as a client calls it. Every failure is an OverlayError. */
export type CallOf<M extends MethodShape> = M extends { requestStream: false; responseStream: false }
  ? (request: RequestOf<M>, settings?: CallSettings) => Promise<ResponseOf<M>>
  : M extends { requestStream: false; responseStream: true }
    ? (request: RequestOf<M>, settings?: CallSettings) => AsyncIterable<ResponseOf<M>>
    : M extends { requestStream: true; responseStream: false }
      ? (requests: AsyncIterable<RequestOf<M>>, settings?: CallSettings) => Promise<ResponseOf<M>>
      : never;

/** A client of one service on one server. */
export type RpcClient<S extends ServiceShape> = { readonly [M in keyof S]: CallOf<S[M]> } & {
  /** Closes the connection and fails what is open. Repeatable. */
  close(): void;
};

/** Where a client connects to. */
export interface RpcClientOptions {
  /** gRPC target: `host:port` or `unix:/path`. */
  readonly target: string;
  readonly tls?: TlsFiles | undefined;
  /** Default deadline of unary calls in milliseconds. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** A client for a generated service definition. Connects at the first call and reconnects by itself. */
export function createRpcClient<S extends ServiceShape>(
  definition: S,
  options: RpcClientOptions,
): RpcClient<S> {
  const client = new Client(options.target, clientCredentials(options.tls), {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
  });
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const calls: Record<string, unknown> = { close: () => client.close() };
  for (const [name, method] of Object.entries(definition)) calls[name] = callOf(client, method, timeoutMs);
  return calls as RpcClient<S>;
}

function callOf(client: Client, method: MethodShape, timeoutMs: number): unknown {
  if (method.requestStream && method.responseStream) return undefined;
  if (method.responseStream) {
    return (request: unknown, settings: CallSettings = {}) => readStream(client, method, request, settings);
  }
  if (method.requestStream) {
    return (requests: AsyncIterable<unknown>, settings: CallSettings = {}) =>
      writeStream(client, method, requests, settings);
  }
  return (request: unknown, settings: CallSettings = {}) =>
    unaryCall(client, method, request, { timeoutMs, ...settings });
}

function unaryCall(
  client: Client,
  method: MethodShape,
  request: unknown,
  settings: CallSettings,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (settings.signal?.aborted) {
      reject(cancelled(method));
      return;
    }
    const deadline = Date.now() + (settings.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize,
      request,
      { deadline },
      (error, response) => {
        settings.signal?.removeEventListener('abort', cancel);
        if (error === null) resolve(response);
        else reject(errorOfCall(error));
      },
    );
    const cancel = () => call.cancel();
    settings.signal?.addEventListener('abort', cancel, { once: true });
  });
}

async function* readStream(client: Client, method: MethodShape, request: unknown, settings: CallSettings) {
  if (settings.signal?.aborted) throw cancelled(method);
  const call: ClientReadableStream<unknown> = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize as (value: unknown) => Buffer,
    method.responseDeserialize,
    request,
  );
  const cancel = () => call.cancel();
  settings.signal?.addEventListener('abort', cancel, { once: true });
  try {
    for await (const response of call) yield response;
  } catch (error) {
    throw errorOfCall(error);
  } finally {
    settings.signal?.removeEventListener('abort', cancel);
    // Once the consumer has left, the cancellation's own error has nobody to go to.
    call.on('error', () => undefined);
    call.cancel();
  }
}

async function writeStream(
  client: Client,
  method: MethodShape,
  requests: AsyncIterable<unknown>,
  settings: CallSettings,
): Promise<unknown> {
  if (settings.signal?.aborted) throw cancelled(method);
  const ended = new AbortController();
  let call: ClientWritableStream<unknown> | undefined;
  const cancel = () => call?.cancel();
  const answer = new Promise<unknown>((resolve, reject) => {
    call = client.makeClientStreamRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize,
      (error, response) => {
        ended.abort();
        if (error === null) resolve(response);
        else reject(errorOfCall(error));
      },
    );
  });
  settings.signal?.addEventListener('abort', cancel, { once: true });
  try {
    if (call !== undefined) await Promise.race([answer, writeAll(call, requests, ended.signal)]);
    return await answer;
  } catch (error) {
    cancel();
    answer.catch(() => undefined);
    throw errorOfCall(error);
  } finally {
    settings.signal?.removeEventListener('abort', cancel);
  }
}

async function writeAll(
  call: ClientWritableStream<unknown>,
  requests: AsyncIterable<unknown>,
  ended: AbortSignal,
): Promise<void> {
  for await (const request of requests) {
    if (ended.aborted) return;
    await new Promise<void>((resolve, reject) => {
      call.write(request, (error: unknown) => (error instanceof Error ? reject(error) : resolve()));
    });
  }
  call.end();
}

function cancelled(method: MethodShape): OverlayError {
  return new OverlayError('aborted', `${method.path} was cancelled before it began`);
}
