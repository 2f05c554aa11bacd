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
// Many clients take no more than 8 KiB of trailers. The message travels twice, percent-encoded in a trailer of its own and
// plain in the details; the details are in base64: 2,000 + 4/3 * (2,000 + 2,000) bytes at most, and some for the names.
const MESSAGE_MAX_BYTES = 2_000;
const VIOLATIONS_MAX_BYTES = 2_000;
const DESCRIPTION_MAX_LENGTH = 256;
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
 * Long texts are cut, and of many violations the first ones travel, so that any client can take the trailers.
 */
export function statusAnswerOf(thrown: unknown): StatusAnswer {
  const error = toOverlayError(thrown);
  const status = statusMessageOf(error);
  const metadata = new Metadata();
  // Details without content do not decode to the status of the call, which some clients answer with INTERNAL.
  if (status.details.length > 0) metadata.set(DETAILS_KEY, Buffer.from(Status.encode(status).finish()));
  if (error.leader !== undefined && ASCII_VALUE.test(error.leader)) metadata.set(LEADER_KEY, error.leader);
  return { code: status.code, details: status.message, metadata };
}

/** The same for a failure that travels within a message: code, message and field violations, cut alike. */
export function statusMessageOf(thrown: unknown): Status {
  const error = toOverlayError(thrown);
  const fieldViolations = violationsThatFit(error.violations);
  const value = Buffer.from(BadRequest.encode({ fieldViolations }).finish());
  return {
    code: statusOfFailure(error.code),
    message: cut(error.message, MESSAGE_MAX_BYTES, encodedBytes),
    details: fieldViolations.length === 0 ? [] : [{ typeUrl: BAD_REQUEST_TYPE, value }],
  };
}

/** Text that can be encoded, with an ellipsis if its size would be more than `max`. */
function cut(text: string, max: number, sizeOf: (text: string) => number): string {
  // Halves of surrogate pairs, which nothing can be percent-encoded with, become U+FFFD.
  const whole = Buffer.from(text).toString();
  if (sizeOf(whole) <= max) return whole;
  let shown = '';
  let size = 0;
  for (const character of whole) {
    size += sizeOf(character);
    if (size > max) break;
    shown += character;
  }
  return `${shown}…`;
}

const encodedBytes = (text: string): number => encodeURI(text).length;
const units = (text: string): number => text.length;

function violationsThatFit(violations: readonly FieldViolation[]): FieldViolation[] {
  let bytes = 0;
  const fitting: FieldViolation[] = [];
  for (const { field, description } of violations) {
    const violation = { field, description: cut(description, DESCRIPTION_MAX_LENGTH, units) };
    const size = BadRequest.encode({ fieldViolations: [violation] }).finish().length;
    if (bytes + size > VIOLATIONS_MAX_BYTES) continue;
    bytes += size;
    fitting.push(violation);
  }
  return fitting;
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

/** Total conversion of a failure that came within a message; the inverse of {@link statusMessageOf}. */
export function errorOfStatusMessage({ code, message, details }: Status): OverlayError {
  return new OverlayError(failureOfStatus(code), message, { violations: violationsIn(details) });
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
    return violationsIn(Status.decode(encoded).details);
  } catch {
    return [];
  }
}

function violationsIn(details: readonly Any[]): readonly FieldViolation[] {
  try {
    return details
      .filter(({ typeUrl }) => typeUrl === BAD_REQUEST_TYPE)
      .flatMap(({ value }) => BadRequest.decode(value).fieldViolations);
  } catch {
    return [];
  }
}
