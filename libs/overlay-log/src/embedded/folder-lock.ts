import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { OverlayError, toOverlayError } from '@overlay/failure';

/** Exit code of `flock -n` for a lock that somebody else holds; what it cannot do otherwise has others. */
const HELD = 1;
const LIMIT_MS = 10_000;

/**
 * Locks a folder for this process alone: for every process of the machine, in whatever namespace it runs. The kernel
 * drops the lock with the process, however that ends, so that nothing stale is ever left. The lock is flock(2)'s, which
 * Node does not have: util-linux's `flock` puts it on the open folder that it inherits, which stays this process's.
 * @param program util-linux's `flock`, or another one for tests
 * @returns gives the lock back; called once.
 * @throws OverlayError `failed_precondition` naming `log.dir` if another process holds it, or if it cannot be had; the
 * file system's error if the folder cannot be opened.
 */
export function lockFolder(dir: string, program = 'flock'): () => void {
  const folder = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  const release = () => closeSync(folder);
  const { status, stderr, error } = spawnSync(program, ['-n', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', folder],
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  if (status === 0) return release;
  release();
  const refusal =
    status === HELD
      ? `another process uses the overlay log in ${dir}: stop that one, or give this one another folder`
      : `cannot lock ${dir}: ${reasonOf(error, stderr, program)}`;
  throw new OverlayError('failed_precondition', `log.dir: ${refusal}`, { cause: error });
}

function reasonOf(error: Error | undefined, stderr: string | null, program: string): string {
  if (error === undefined) return stderr?.trim() ?? '';
  const isMissing = 'code' in error && error.code === 'ENOENT';
  return isMissing ? `there is no program ${program}; install util-linux` : toOverlayError(error).message;
}
