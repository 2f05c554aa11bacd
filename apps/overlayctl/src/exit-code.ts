import { type FailureCode, toOverlayError } from '@overlay/failure';

/** How a command ended: done, failed, or called wrongly. */
export type ExitCode = 0 | 1 | 2;

/** The exit code of a failed command: 2 if what was typed is wrong, else 1. */
export function exitCodeOf(thrown: unknown): ExitCode {
  const code: FailureCode = toOverlayError(thrown).code;
  return code === 'invalid_argument' ? 2 : 1;
}
