import { type EventEmitter, once } from 'node:events';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import {
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerErrorResponse,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { isFailure, OverlayError } from '@overlay/failure';
import { type CertifiedNode, certifiedNodeOf } from '@overlay/model';
import { statusAnswerOf } from './error-details.js';
import { OpenStreams } from './open-streams.js';
import type { MethodShape, RequestOf, ResponseOf, ServiceShape } from './service-types.js';
import { until } from './until.js';

/** What a handler knows of its call beside the request. */
export interface CallContext {
  /** Aborts when the caller is gone, its deadline has passed or the server closes. */
  readonly signal: AbortSignal;
  /** The caller's transport address. */
  readonly peer: string;
  /** True if the caller showed a certificate that this server trusts. */
  isAuthenticated(): boolean;
  /** The node that the caller's certificate speaks for; undefined if there is none, or it is nobody's in particular. */
  certifiedNode(): CertifiedNode | undefined;
  /** Sends a header of its own at once, before the first response. At most once a call. */
  sendHeader(name: string, text: string): void;
}

/**
 * A handler for one method. Streams of responses are async iterables; a `Buffer` as a response is sent as it is, so
 * that one encoding can serve many callers. Whatever a handler throws becomes a gRPC status.
 */
export type HandlerOf<M extends MethodShape> = M extends { requestStream: false; responseStream: false }
  ? (request: RequestOf<M>, call: CallContext) => Promise<ResponseOf<M> | Buffer>
  : M extends { requestStream: false; responseStream: true }
    ? (request: RequestOf<M>, call: CallContext) => AsyncIterable<ResponseOf<M> | Buffer>
    : M extends { requestStream: true; responseStream: false }
      ? (requests: AsyncIterable<RequestOf<M>>, call: CallContext) => Promise<ResponseOf<M>>
      : (requests: AsyncIterable<RequestOf<M>>, call: CallContext) => AsyncIterable<ResponseOf<M>>;

/** Handlers of a service; a method without one answers UNIMPLEMENTED. */
export type HandlersOf<S extends ServiceShape> = { readonly [M in keyof S]?: HandlerOf<S[M]> };

/** A service ready to be served. */
export interface RpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Answers the callers of all streams, and of those that are yet to be opened, UNAVAILABLE. Repeatable. */
  endStreams(): void;
}

/** Told of every failure that is the server's own fault, with the method's path. */
export type InternalErrorListener = (error: unknown, path: string) => void;

type AnyHandler = (request: unknown, call: CallContext) => unknown;

/** A request that could not be decoded: carried to the handler's edge to be answered as INVALID_ARGUMENT. */
class UndecodableRequest {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Binds handlers to a generated service definition. */
export function implementService<S extends ServiceShape>(
  definition: S,
  handlers: HandlersOf<S>,
  onInternalError: InternalErrorListener,
): RpcService {
  const served: Record<string, MethodShape> = {};
  const implementation: UntypedServiceImplementation = {};
  const open = new OpenStreams();
  for (const [name, method] of Object.entries(definition)) {
    served[name] = lenientMethod(method, onInternalError);
    const handler = handlers[name] as AnyHandler | undefined;
    implementation[name] = adapt(method, handler ?? unimplemented(method.path), open, onInternalError);
  }
  return {
    definition: served as unknown as ServiceDefinition,
    implementation,
    endStreams: () => open.end(),
  };
}

function unimplemented(path: string): AnyHandler {
  return () => {
    throw new OverlayError('unimplemented', `${path.slice(1).replace('/', '.')} is not part of this release`);
  };
}

function lenientMethod(method: MethodShape, onInternalError: InternalErrorListener): MethodShape {
  const serialize = method.responseSerialize as (value: unknown) => Buffer;
  return {
    ...method,
    requestDeserialize: (bytes) => {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        return new UndecodableRequest(error instanceof Error ? error.message : String(error));
      }
    },
    responseSerialize: (value: unknown) => {
      if (Buffer.isBuffer(value)) return value;
      try {
        return serialize(value);
      } catch (error) {
        // The caller is told no more than INTERNAL.
        onInternalError(error, method.path);
        throw error;
      }
    },
  };
}

function adapt(
  method: MethodShape,
  handler: AnyHandler,
  open: OpenStreams,
  onInternalError: InternalErrorListener,
) {
  const answerOf = (thrown: unknown, call: CallView): ServerErrorResponse => {
    const error = call.signal.aborted && isAbortError(thrown) ? call.whyOver() : thrown;
    if (!isFailure(error) || error.code === 'internal') onInternalError(error, method.path);
    const answer = statusAnswerOf(error);
    return { name: 'Error', message: answer.details, ...answer };
  };
  if (method.responseStream)
    return method.requestStream ? bidi(handler, open, answerOf) : serverStream(handler, open, answerOf);
  return method.requestStream ? clientStream(handler, open, answerOf) : unary(handler, answerOf);
}

type AnswerOf = (thrown: unknown, call: CallView) => ServerErrorResponse;

/** What Node's own functions throw when a signal that they were given aborts. */
function isAbortError(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown && thrown.name === 'AbortError';
}

function serverCloses(): OverlayError {
  return new OverlayError('unavailable', 'the server is closing: try again');
}

interface CallEvents {
  /** True once the caller is gone or its deadline has passed. */
  readonly cancelled: boolean;
  on(event: 'cancelled', listener: () => void): unknown;
  getPeer(): string;
  getAuthContext(): AuthContext;
  sendMetadata(headers: Metadata): void;
}

/** What grpc-js tells of the caller: nothing unless its certificate was verified. */
interface AuthContext {
  readonly transportSecurityType?: string;
  readonly sslPeerCertificate?: { readonly subjectaltname?: string | undefined };
}

/** One reason for all: every call ends with `cancelled`, and a new reason each time costs its stack trace. */
const CALL_OVER = new DOMException('the call is over', 'AbortError');

/**
 * What a handler is told of its call. Nothing of it is made before a handler asks, and most never do: a signal for
 * each call costs more than all else that this file does for it.
 */
class CallView implements CallContext {
  readonly #call: CallEvents;
  #controller: AbortController | undefined;
  #ended = false;

  constructor(call: CallEvents) {
    this.#call = call;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = new AbortController();
    this.#controller = controller;
    if (this.#call.cancelled || this.#ended) controller.abort(CALL_OVER);
    else this.#call.on('cancelled', () => controller.abort(CALL_OVER));
    return controller.signal;
  }

  /** True once this side has ended the call. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the call from this side. Repeatable. */
  end(): void {
    this.#ended = true;
    this.#controller?.abort(CALL_OVER);
  }

  /** What the caller of a call that is over is answered. */
  whyOver(): OverlayError {
    return this.#ended ? serverCloses() : new OverlayError('aborted', 'the caller has gone');
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  isAuthenticated(): boolean {
    return this.#call.getAuthContext().transportSecurityType === 'ssl';
  }

  certifiedNode(): CertifiedNode | undefined {
    const names = this.#call.getAuthContext().sslPeerCertificate?.subjectaltname;
    return names === undefined ? undefined : certifiedNodeOf(names);
  }

  sendHeader(name: string, text: string): void {
    const headers = new Metadata();
    headers.set(name, text);
    this.#call.sendMetadata(headers);
  }
}

function decoded(request: unknown): unknown {
  if (request instanceof UndecodableRequest) {
    throw new OverlayError('invalid_argument', `the request message cannot be decoded: ${request.reason}`);
  }
  return request;
}

async function* decodedStream(call: Readable, context: CallView, open: OpenStreams): AsyncIterable<unknown> {
  const { signal } = context;
  // The default iterator destroys the stream at its end, and a call that is destroyed can send no more.
  const requests = call.iterator({ destroyOnReturn: false });
  const release = open.track(() => context.end());
  try {
    for await (const request of until(requests, signal)) yield decoded(request);
  } catch (error) {
    // A cancelled call tears its stream down: to the handler that is the caller's doing, not a fault.
    throw signal.aborted && !isFailure(error) ? context.whyOver() : error;
  } finally {
    // What has come in whole has its time to be answered.
    release();
  }
  // Node ends the stream of a call that was reset as if the caller had finished, and tells of the reset next.
  await setImmediate();
  if (signal.aborted) throw context.whyOver();
}

function unary(handler: AnyHandler, answerOf: AnswerOf): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const context = new CallView(call);
    const run = async () => handler(decoded(call.request), context);
    run().then(
      (response) => callback(null, response),
      (error: unknown) => callback(answerOf(error, context)),
    );
  };
}

function clientStream(
  handler: AnyHandler,
  open: OpenStreams,
  answerOf: AnswerOf,
): handleClientStreamingCall<unknown, unknown> {
  return (call, callback) => {
    const context = new CallView(call);
    const run = async () => handler(decodedStream(call, context, open), context);
    run().then(
      (response) => (context.ended ? callback(answerOf(serverCloses(), context)) : callback(null, response)),
      (error: unknown) => callback(answerOf(error, context)),
    );
  };
}

interface ResponseSink extends EventEmitter {
  readonly cancelled: boolean;
  getPeer(): string;
  getAuthContext(): AuthContext;
  sendMetadata(headers: Metadata): void;
  write(response: unknown): boolean;
  end(): void;
}

async function pump(
  responses: AsyncIterable<unknown>,
  sink: ResponseSink,
  signal: AbortSignal,
): Promise<void> {
  for await (const response of responses) {
    if (signal.aborted) return;
    if (!sink.write(response)) await drained(sink, signal);
  }
}

async function drained(sink: ResponseSink, signal: AbortSignal): Promise<void> {
  try {
    await once(sink, 'drain', { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

interface StreamView {
  readonly sink: ResponseSink;
  readonly context: CallView;
  readonly open: OpenStreams;
}

function stream(
  run: () => AsyncIterable<unknown>,
  { sink, context, open }: StreamView,
  answerOf: AnswerOf,
): void {
  const release = open.track(() => context.end());
  const work = async () => {
    await pump(run(), sink, context.signal);
    if (context.ended) throw serverCloses();
  };
  work()
    .then(
      () => sink.end(),
      (error: unknown) => {
        const answer = answerOf(error, context);
        if (!sink.cancelled) sink.emit('error', answer);
      },
    )
    .finally(release);
}

function serverStream(
  handler: AnyHandler,
  open: OpenStreams,
  answerOf: AnswerOf,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    const context = new CallView(call);
    const run = () => handler(decoded(call.request), context) as AsyncIterable<unknown>;
    stream(run, { sink: call as unknown as ResponseSink, context, open }, answerOf);
  };
}

function bidi(handler: AnyHandler, open: OpenStreams, answerOf: AnswerOf) {
  return (call: ResponseSink & Readable) => {
    const context = new CallView(call);
    const run = () => handler(decodedStream(call, context, open), context) as AsyncIterable<unknown>;
    stream(run, { sink: call, context, open }, answerOf);
  };
}
