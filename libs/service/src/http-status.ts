import type { FailureCode } from '@overlay/failure';

const HTTP_STATUS_OF_FAILURE: Readonly<Record<FailureCode, number>> = {
  invalid_argument: 400,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 400,
  resource_exhausted: 429,
  aborted: 409,
  unavailable: 503,
  deadline_exceeded: 504,
  unauthenticated: 401,
  permission_denied: 403,
  unimplemented: 501,
  data_loss: 500,
  internal: 500,
};

/** The HTTP status of each failure (RFC 9110 section 15), along the mapping of google.rpc.Code. */
export function httpStatusOfFailure(code: FailureCode): number {
  return HTTP_STATUS_OF_FAILURE[code];
}
