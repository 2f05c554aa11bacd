import type { Client, ClientReadableStream, ClientWritableStream, Metadata } from '@grpc/grpc-js';
import { errorOfCall } from './error-details.js';
import type { OpenCalls } from './open-calls.js';
import type { MethodShape } from './service-types.js';
import { unlessAborted } from './until.js';

/** Settings of one call. */
export interface CallSettings {
  /** Milliseconds until a unary call fails with `deadline_exceeded`; streams have no deadline. */
  readonly timeoutMs?: number;
  /** Cancels the call, which then fails with `aborted`. */
  readonly signal?: AbortSignal;
  /** Told of the server's own headers, by name, before the first response. */
  readonly onHeaders?: (headers: ReadonlyMap<string, string>) => void;
}

/** What every call of a client shares. */
export interface CallSource {
  readonly client: Client;
  readonly open: OpenCalls;
}

/** One request, one response. Every failure is an OverlayError. */
export async function callUnary(
  { client, open }: CallSource,
  method: MethodShape,
  request: unknown,
  settings: CallSettings & { readonly timeoutMs: number },
): Promise<unknown> {
  open.admit(method.path, settings.signal);
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize,
      request,
      { deadline: Date.now() + settings.timeoutMs },
      (error, response) => {
        release();
        if (error === null) resolve(response);
        else reject(errorOfCall(error));
      },
    );
    const release = open.track(() => call.cancel(), settings.signal);
    call.on('metadata', (headers) => settings.onHeaders?.(textsOf(headers)));
  });
}

function textsOf(headers: Metadata): ReadonlyMap<string, string> {
  return new Map(Object.entries(headers.getMap()).map(([name, value]) => [name, value.toString()]));
}

/**
 * One request, a stream of responses. The call begins with the first read and ends when the reader leaves.
 * Every failure is an OverlayError.
 */
export async function* readStream(
  { client, open }: CallSource,
  method: MethodShape,
  request: unknown,
  settings: CallSettings,
): AsyncGenerator<unknown> {
  open.admit(method.path, settings.signal);
  const call: ClientReadableStream<unknown> = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize as (value: unknown) => Buffer,
    method.responseDeserialize,
    request,
  );
  // Once the reader has left, the cancellation's own error has nobody to go to.
  call.on('error', () => undefined);
  call.on('metadata', (headers) => settings.onHeaders?.(textsOf(headers)));
  const release = open.track(() => call.cancel(), settings.signal);
  try {
    for await (const response of call) yield response;
  } catch (error) {
    throw errorOfCall(error);
  } finally {
    release();
    call.cancel();
  }
}

/**
 * A stream of requests, one response. Requests are taken one by one as the server takes them; the iterator is
 * asked to return as soon as the call is over, be it that the server answered early. Every failure is an
 * OverlayError; a failure of the requests themselves cancels the call and is the result.
 */
export async function writeStream(
  { client, open }: CallSource,
  method: MethodShape,
  requests: AsyncIterable<unknown>,
  settings: CallSettings,
): Promise<unknown> {
  open.admit(method.path, settings.signal);
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const call: ClientWritableStream<unknown> = client.makeClientStreamRequest(
      method.path,
      method.requestSerialize as (value: unknown) => Buffer,
      method.responseDeserialize,
      (error, response) => {
        release();
        over.abort();
        if (error === null) resolve(response);
        else reject(errorOfCall(error));
      },
    );
    // What ends the call also reaches the callback above.
    call.on('error', () => undefined);
    const release = open.track(() => call.cancel(), settings.signal);
    writeAll(call, requests, over.signal).catch((error: unknown) => {
      reject(errorOfCall(error));
      call.cancel();
    });
  });
}

async function writeAll(
  call: ClientWritableStream<unknown>,
  requests: AsyncIterable<unknown>,
  over: AbortSignal,
): Promise<void> {
  const iterator = requests[Symbol.asyncIterator]();
  for (;;) {
    const next = await unlessAborted(iterator.next(), over);
    if (next === undefined) break;
    if (next.done) {
      call.end();
      return;
    }
    await unlessAborted(written(call, next.value), over);
  }
  // Not awaited: a generator returns only when what it waits for has come.
  iterator.return?.().catch(() => undefined);
}

/** Resolves when the message is on its way. Stays pending if the call ends first. */
function written(call: ClientWritableStream<unknown>, request: unknown): Promise<true> {
  return new Promise((resolve) => {
    call.write(request, () => resolve(true));
  });
}
