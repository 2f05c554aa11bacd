import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';

/** Length of lmdb's lock file for the number of readers that lmdb-js asks for. */
const LOCK_FILE_BYTES = 8_192;

/**
 * Makes sure that lmdb's lock file stands on blocks that are really there. lmdb makes it with a hole and writes through
 * a map, which on a full disk raises SIGBUS. Does nothing to a file that is as long as lmdb makes it.
 * @throws the file system's error, with its reason.
 */
export function makeLockRoom(path: string): void {
  const file = openSync(path, 'a', 0o600);
  try {
    const missing = LOCK_FILE_BYTES - fstatSync(file).size;
    if (missing > 0) writeAll(file, Buffer.alloc(missing));
  } finally {
    closeSync(file);
  }
}

/** A write to a nearly full disk may be short; the next one tells why. */
function writeAll(file: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}
