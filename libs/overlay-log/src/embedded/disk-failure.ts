import { OverlayError, toOverlayError } from '@overlay/failure';

const ENOSPC = 28;
const EDQUOT = 122;
const MDB_MAP_FULL = -30_792;
const MDB_CORRUPTED = -30_796;
const MDB_PAGE_NOTFOUND = -30_797;
const MDB_INVALID = -30_793;

/**
 * What an error of lmdb means for its caller: a full disk is `resource_exhausted` (lmdb's transaction did not
 * happen), a broken file `data_loss`, a folder that cannot be opened `failed_precondition` (naming `log.dir`), anything
 * else `unavailable`. An OverlayError passes, with the folder if an entry cannot be read.
 * @param doing what was tried, for the message.
 */
export function diskFailure(thrown: unknown, doing: string, dir: string): OverlayError {
  if (thrown instanceof OverlayError) {
    // An entry that cannot be read: the codec names it and knows no folder.
    if (thrown.code !== 'data_loss' || doing !== 'read') return thrown;
    const way = `it stands in ${dir}: restore the folder, or an export of the log, from a backup`;
    return new OverlayError('data_loss', `${thrown.message}; ${way}`, { cause: thrown });
  }
  const cause = innermost(thrown);
  const reason = toOverlayError(cause).message;
  const code: unknown =
    typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  const full =
    code === ENOSPC || code === EDQUOT || code === MDB_MAP_FULL || code === 'ENOSPC' || code === 'EDQUOT';
  if (full || reason.includes('No space left on device')) {
    const message = `cannot ${doing} the overlay log in ${dir}: ${reason}; free space on its file system`;
    return new OverlayError('resource_exhausted', message, { cause });
  }
  if (code === MDB_CORRUPTED || code === MDB_PAGE_NOTFOUND || code === MDB_INVALID) {
    const message = `cannot ${doing} the overlay log in ${dir}: ${reason}; restore the folder from a backup`;
    return new OverlayError('data_loss', message, { cause });
  }
  const message = `cannot ${doing} the overlay log in ${dir}: ${reason}`;
  if (doing === 'open') {
    const way = 'it takes a folder that this user may make, read and write';
    return new OverlayError('failed_precondition', `log.dir: ${message}; ${way}`, { cause });
  }
  return new OverlayError('unavailable', `${message}; the folder must be there and writable`, { cause });
}

/** lmdb-js hides the reason of a failed commit in `commitError`. */
function innermost(thrown: unknown): unknown {
  if (typeof thrown !== 'object' || thrown === null || !('commitError' in thrown)) return thrown;
  return thrown.commitError ?? thrown;
}
