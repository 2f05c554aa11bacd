import { OverlayError } from '@overlay/failure';

/** A request that could not be decoded: carried to the handler's edge to be answered as INVALID_ARGUMENT. */
export class UndecodableRequest {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/**
 * The request that a call carries.
 * @throws OverlayError `invalid_argument` if it could not be decoded.
 */
export function decoded(request: unknown): unknown {
  if (request instanceof UndecodableRequest) {
    throw new OverlayError('invalid_argument', `the request message cannot be decoded: ${request.reason}`);
  }
  return request;
}
