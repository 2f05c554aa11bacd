/**
 * Every way in which an operation of the product can fail, in the terms of gRPC's status codes.
 * The edges translate this set with total tables (gRPC in `@overlay/rpc`, HTTP in `@overlay/service`,
 * CNI in `overlay-ipam`): a code added here does not compile until each table knows it.
 */
export const FAILURE_CODES = [
  'invalid_argument',
  'not_found',
  'already_exists',
  'failed_precondition',
  'resource_exhausted',
  'aborted',
  'unavailable',
  'deadline_exceeded',
  'unauthenticated',
  'permission_denied',
  'unimplemented',
  'data_loss',
  'internal',
] as const;

/** One member of {@link FAILURE_CODES}. */
export type FailureCode = (typeof FAILURE_CODES)[number];

/** One wrong field of a request, a configuration or a file. */
export interface FieldViolation {
  /** Path of the field as its author wrote it, for example `network.overlays[1].prefix`. */
  readonly field: string;
  /** What is wrong with the value, which rule it breaks and how to mend it. */
  readonly description: string;
}

/** What an {@link OverlayError} carries beside its code and message. */
export interface OverlayErrorOptions {
  readonly violations?: readonly FieldViolation[];
  readonly cause?: unknown;
  /** Address of the leading master, for writes that reached a follower. */
  readonly leader?: string;
}

/**
 * The product's only error class. The message is written for the person who has to act on it: it names the
 * thing that failed and the way out. Code branches on `code`, never on the message.
 */
export class OverlayError extends Error {
  override readonly name = 'OverlayError';
  readonly code: FailureCode;
  readonly violations: readonly FieldViolation[];
  readonly leader: string | undefined;

  constructor(code: FailureCode, message: string, options: OverlayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.violations = options.violations ?? [];
    this.leader = options.leader;
  }

  /** An `invalid_argument` error whose message lists every violation, one per line if there are several. */
  static invalid(violations: readonly FieldViolation[], subject = 'request'): OverlayError {
    const lines = violations.map((violation) => `${violation.field}: ${violation.description}`);
    const [only] = lines;
    const several = `the ${subject} has ${lines.length} errors:\n  ${lines.join('\n  ')}`;
    const message = only === undefined ? `the ${subject} is wrong` : lines.length === 1 ? only : several;
    return new OverlayError('invalid_argument', message, { violations });
  }
}

/** True if `thrown` is an {@link OverlayError}, optionally with the given code. */
export function isFailure(thrown: unknown, code?: FailureCode): thrown is OverlayError {
  return thrown instanceof OverlayError && (code === undefined || thrown.code === code);
}

/**
 * Total conversion of anything thrown: an {@link OverlayError} passes unchanged, everything else becomes
 * `internal` with the original as its cause. Never throws.
 */
export function toOverlayError(thrown: unknown): OverlayError {
  if (thrown instanceof OverlayError) return thrown;
  return new OverlayError('internal', messageOf(thrown), { cause: thrown });
}

function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'something was thrown that cannot be shown as text';
  }
}
