export { errnoOf } from './errno-of.js';
export {
  FAILURE_CODES,
  type FailureCode,
  type FieldViolation,
  isFailure,
  OverlayError,
  toOverlayError,
} from './overlay-error.js';
export { transportReason } from './transport-reason.js';
