import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { type Any, BadRequest, Status } from '@overlay/contracts';
import { type FieldViolation, isFailure, OverlayError, toOverlayError } from '@overlay/failure';
import { failureOfStatus, statusOfFailure } from './grpc-status.js';

const DETAILS_KEY = 'grpc-status-details-bin';
const LEADER_KEY = 'overlay-leader';
const BAD_REQUEST_TYPE = 'type.googleapis.com/google.rpc.BadRequest';

/** What a gRPC server answers instead of a message. */
export interface StatusAnswer {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/**
 * Total conversion of anything thrown by a handler into a gRPC status. Field violations travel as
 * google.rpc.BadRequest in the trailer `grpc-status-details-bin`, the leader's address in `overlay-leader`.
 */
export function statusAnswerOf(thrown: unknown): StatusAnswer {
  const error = toOverlayError(thrown);
  const code = statusOfFailure(error.code);
  const metadata = new Metadata();
  if (error.violations.length > 0) {
    const value = Buffer.from(BadRequest.encode({ fieldViolations: [...error.violations] }).finish());
    const details = [{ typeUrl: BAD_REQUEST_TYPE, value }];
    const encoded = Status.encode({ code, message: error.message, details }).finish();
    metadata.set(DETAILS_KEY, Buffer.from(encoded));
  }
  if (error.leader !== undefined) metadata.set(LEADER_KEY, error.leader);
  return { code, details: error.message, metadata };
}

/** Total conversion of anything that a gRPC client call failed with; the inverse of {@link statusAnswerOf}. */
export function errorOfCall(thrown: unknown): OverlayError {
  if (isFailure(thrown)) return thrown;
  if (!isServiceError(thrown)) return toOverlayError(thrown);
  const leader = thrown.metadata.get(LEADER_KEY)[0];
  return new OverlayError(failureOfStatus(thrown.code), thrown.details, {
    violations: violationsOf(thrown.metadata),
    ...(typeof leader === 'string' ? { leader } : {}),
  });
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return (
    thrown instanceof Error && 'code' in thrown && 'metadata' in thrown && thrown.metadata instanceof Metadata
  );
}

function violationsOf(metadata: Metadata): readonly FieldViolation[] {
  const encoded = metadata.get(DETAILS_KEY)[0];
  if (!(encoded instanceof Buffer)) return [];
  try {
    const details = Status.decode(encoded).details.filter(
      (detail: Any) => detail.typeUrl === BAD_REQUEST_TYPE,
    );
    return details.flatMap((detail: Any) => BadRequest.decode(detail.value).fieldViolations);
  } catch {
    return [];
  }
}
