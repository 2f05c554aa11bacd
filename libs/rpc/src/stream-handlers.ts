import { type EventEmitter, once } from 'node:events';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type {
  handleClientStreamingCall,
  handleServerStreamingCall,
  ServerErrorResponse,
} from '@grpc/grpc-js';
import { isFailure } from '@overlay/failure';
import { type CallContext, type CallEvents, CallView, serverCloses } from './call-view.js';
import { decoded } from './decoded-request.js';
import type { OpenStreams } from './open-streams.js';
import { until } from './until.js';

/** A handler of any kind, once the types of its method are checked. */
export type AnyHandler = (request: unknown, call: CallContext) => unknown;

/** What a call is answered when its handler throws. */
export type AnswerOf = (thrown: unknown, call: CallView) => ServerErrorResponse;

/** Serves a stream of requests with one response. */
export function clientStream(
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

type ResponseSink = EventEmitter &
  CallEvents & {
    write(response: unknown): boolean;
    end(): void;
  };

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

/** Serves one request with a stream of responses. */
export function serverStream(
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

/** Serves a stream of requests with a stream of responses. */
export function bidi(handler: AnyHandler, open: OpenStreams, answerOf: AnswerOf) {
  return (call: ResponseSink & Readable) => {
    const context = new CallView(call);
    const run = () => handler(decodedStream(call, context, open), context) as AsyncIterable<unknown>;
    stream(run, { sink: call, context, open }, answerOf);
  };
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
