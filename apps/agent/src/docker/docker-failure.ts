import { type FailureCode, OverlayError } from '@overlay/failure';

/** The engine's refusals by HTTP status (Docker Engine API); 404 is a driver or plugin that the engine lacks. */
const STATUS_CODES: Readonly<Record<number, FailureCode>> = {
  400: 'invalid_argument',
  403: 'failed_precondition',
  404: 'failed_precondition',
  409: 'already_exists',
  503: 'unavailable',
};

/** What dockerode throws for a call that was answered, and Node for one that was not. */
interface Thrown {
  readonly statusCode?: unknown;
  readonly json?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
}

/** Converts whatever a call of the engine threw; the message is the engine's own where it gave one. */
export function dockerFailure(thrown: unknown): OverlayError {
  if (thrown instanceof OverlayError) return thrown;
  const { statusCode, json, code, message }: Thrown = isObject(thrown) ? thrown : {};
  if (typeof statusCode === 'number') {
    const text = isObject(json) && typeof json.message === 'string' ? json.message : String(message);
    return new OverlayError(STATUS_CODES[statusCode] ?? 'internal', text.trim(), { cause: thrown });
  }
  const text = typeof message === 'string' ? message : String(thrown);
  return new OverlayError(code === 'ENOENT' ? 'not_found' : 'unavailable', text, { cause: thrown });
}

function isObject(value: unknown): value is Thrown & { readonly message?: unknown } {
  return typeof value === 'object' && value !== null;
}
