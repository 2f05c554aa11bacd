import { type FailureCode, toOverlayError } from '@overlay/failure';
import { type CniVersion, ERROR_CNI_VERSION } from './cni-version.js';

/** The error object of the CNI specification (section 5, "Error"). */
export interface CniErrorObject {
  readonly cniVersion: CniVersion;
  readonly code: number;
  readonly msg: string;
  readonly details: string;
}

/** Which part of a call was being read or done when it failed; says what `invalid_argument` means. */
export type CniStage = 'version' | 'environment' | 'decoding' | 'configuration' | 'work' | 'status';

/** Codes 1 to 99 are the specification's (section 5); from 100 on they are ours (docs/cni.md). */
const CODE_OF_STAGE: Readonly<Record<CniStage, number>> = {
  version: 1,
  environment: 4,
  decoding: 6,
  configuration: 7,
  work: 7,
  status: 50,
};

const CODE_OF_FAILURE: Readonly<Record<FailureCode, number | 'of the stage'>> = {
  invalid_argument: 'of the stage',
  not_found: 7,
  already_exists: 101,
  failed_precondition: 102,
  resource_exhausted: 100,
  aborted: 11,
  unavailable: 11,
  deadline_exceeded: 11,
  unauthenticated: 103,
  permission_denied: 103,
  unimplemented: 4,
  data_loss: 5,
  internal: 999,
};

/** Total conversion of anything thrown into a CNI error object. */
export function cniErrorOf(
  thrown: unknown,
  stage: CniStage,
  version: CniVersion | undefined,
): CniErrorObject {
  const error = toOverlayError(thrown);
  // Whatever keeps STATUS from succeeding keeps containers from starting: 50, "not available".
  const code = stage === 'status' ? 'of the stage' : CODE_OF_FAILURE[error.code];
  return {
    cniVersion: version ?? ERROR_CNI_VERSION,
    code: code === 'of the stage' ? CODE_OF_STAGE[stage] : code,
    msg: error.message,
    details: error.code,
  };
}
