import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { type Any, BadRequest, Status } from '@overlay/contracts';
import {
  type FieldViolation,
  isFailure,
  OverlayError,
  toOverlayError,
  transportReason,
} from '@overlay/failure';
import { failureOfStatus, statusOfFailure } from './grpc-status.js';

const DETAILS_KEY = 'grpc-status-details-bin';
const LEADER_KEY = 'overlay-leader';
/** Printable ASCII, as HTTP/2 header values of gRPC are (gRPC over HTTP/2, "ASCII-Value"). */
const ASCII_VALUE = /^[ -~]+$/;
// Many clients take no more than 8 KiB of trailers: the message and, in base64, the details stay below.
const MESSAGE_MAX_LENGTH = 1_500;
const DETAILS_MAX_BYTES = 4_096;
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
 * Long messages are cut, and of many violations the first ones travel, so that any client can take the trailers.
 */
export function statusAnswerOf(thrown: unknown): StatusAnswer {
  const error = toOverlayError(thrown);
  const code = statusOfFailure(error.code);
  const details = messageOf(error);
  const metadata = new Metadata();
  if (error.violations.length > 0) {
    metadata.set(DETAILS_KEY, encodeViolations(code, details, error.violations));
  }
  if (error.leader !== undefined && ASCII_VALUE.test(error.leader)) metadata.set(LEADER_KEY, error.leader);
  return { code, details, metadata };
}

function messageOf(error: OverlayError): string {
  const { message } = error;
  const short = message.length > MESSAGE_MAX_LENGTH ? `${message.slice(0, MESSAGE_MAX_LENGTH)}…` : message;
  // Halves of surrogate pairs, which a message cannot be percent-encoded with, become U+FFFD.
  return Buffer.from(short).toString();
}

function encodeViolations(code: number, message: string, violations: readonly FieldViolation[]): Buffer {
  const fieldViolations: FieldViolation[] = [];
  let encoded = Buffer.alloc(0);
  for (const violation of violations) {
    fieldViolations.push(violation);
    const value = Buffer.from(BadRequest.encode({ fieldViolations }).finish());
    const details = [{ typeUrl: BAD_REQUEST_TYPE, value }];
    const longer = Buffer.from(Status.encode({ code, message, details }).finish());
    if (longer.length > DETAILS_MAX_BYTES) break;
    encoded = longer;
  }
  return encoded;
}

/** Total conversion of anything that a gRPC client call failed with; the inverse of {@link statusAnswerOf}. */
export function errorOfCall(thrown: unknown): OverlayError {
  if (isFailure(thrown)) return thrown;
  if (!isServiceError(thrown)) return toOverlayError(thrown);
  const leader = thrown.metadata.get(LEADER_KEY)[0];
  return new OverlayError(failureOfStatus(thrown.code), transportReason(thrown.details), {
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
