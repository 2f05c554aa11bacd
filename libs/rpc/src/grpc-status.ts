import { status } from '@grpc/grpc-js';
import type { FailureCode } from '@overlay/failure';

const STATUS_OF_FAILURE: Readonly<Record<FailureCode, status>> = {
  invalid_argument: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  failed_precondition: status.FAILED_PRECONDITION,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  aborted: status.ABORTED,
  unavailable: status.UNAVAILABLE,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  unauthenticated: status.UNAUTHENTICATED,
  permission_denied: status.PERMISSION_DENIED,
  unimplemented: status.UNIMPLEMENTED,
  data_loss: status.DATA_LOSS,
  internal: status.INTERNAL,
};

const FAILURE_OF_STATUS: Readonly<Record<status, FailureCode>> = {
  [status.OK]: 'internal',
  [status.CANCELLED]: 'aborted',
  [status.UNKNOWN]: 'internal',
  [status.INVALID_ARGUMENT]: 'invalid_argument',
  [status.DEADLINE_EXCEEDED]: 'deadline_exceeded',
  [status.NOT_FOUND]: 'not_found',
  [status.ALREADY_EXISTS]: 'already_exists',
  [status.PERMISSION_DENIED]: 'permission_denied',
  [status.RESOURCE_EXHAUSTED]: 'resource_exhausted',
  [status.FAILED_PRECONDITION]: 'failed_precondition',
  [status.ABORTED]: 'aborted',
  [status.OUT_OF_RANGE]: 'invalid_argument',
  [status.UNIMPLEMENTED]: 'unimplemented',
  [status.INTERNAL]: 'internal',
  [status.UNAVAILABLE]: 'unavailable',
  [status.DATA_LOSS]: 'data_loss',
  [status.UNAUTHENTICATED]: 'unauthenticated',
};

/** The gRPC status of each failure (gRPC core, "Status codes and their use"). */
export function statusOfFailure(code: FailureCode): status {
  return STATUS_OF_FAILURE[code];
}

/** The failure that a gRPC status stands for; a number outside the closed set is `internal`. */
export function failureOfStatus(code: number): FailureCode {
  return FAILURE_OF_STATUS[code as status] ?? 'internal';
}
