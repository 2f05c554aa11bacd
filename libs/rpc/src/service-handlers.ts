import type {
  handleUnaryCall,
  ServerErrorResponse,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { isFailure, OverlayError, toOverlayError } from '@overlay/failure';
import { type CallContext, CallView } from './call-view.js';
import { decoded, UndecodableRequest } from './decoded-request.js';
import { statusAnswerOf } from './error-details.js';
import { OpenStreams } from './open-streams.js';
import type { MethodShape, RequestOf, ResponseOf, ServiceShape } from './service-types.js';
import { type AnswerOf, type AnyHandler, bidi, clientStream, serverStream } from './stream-handlers.js';

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
        return new UndecodableRequest(toOverlayError(error).message);
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

/** What Node's own functions throw when a signal that they were given aborts. */
function isAbortError(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown && thrown.name === 'AbortError';
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
