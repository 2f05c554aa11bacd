import { Metadata } from '@grpc/grpc-js';
import { OverlayError } from '@overlay/failure';
import { type CertifiedNode, certifiedNodeOf } from '@overlay/model';

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

/** What this side needs of a call of grpc-js. */
export interface CallEvents {
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
export class CallView implements CallContext {
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

/** What the callers of a server that closes are told. */
export function serverCloses(): OverlayError {
  return new OverlayError('unavailable', 'the server is closing: try again');
}
