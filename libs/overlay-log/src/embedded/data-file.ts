import { closeSync, existsSync, fstatSync, openSync, statSync } from 'node:fs';
import { leastDataFileBytes, makeSafeToMap as makeFileSafeToMap } from '@overlay/disk-room';
import { OverlayError } from '@overlay/failure';

/**
 * Makes sure that lmdb can open the log's data file, and takes it for what it is: an empty one would be a new log.
 * @throws OverlayError `data_loss` if the file is no lmdb database.
 */
export function makeSafeToMap(path: string): void {
  if (statSync(path).size === 0 || !makeFileSafeToMap(path)) throw damaged(path);
}

/**
 * Makes sure of the same without changing the file, which a master may be writing to.
 * @throws OverlayError `not_found` if there is no file, `data_loss` if it is no lmdb database or too short.
 */
export function requireSafeToMap(path: string): void {
  if (!existsSync(path))
    throw new OverlayError('not_found', `there is no overlay log: ${path} does not exist`);
  const file = openSync(path, 'r');
  try {
    const least = leastDataFileBytes(file);
    if (least === undefined) throw damaged(path);
    // Asked after the meta page: a growing file is never shorter than the page said.
    if (fstatSync(file).size >= least) return;
    const way = 'start the master on it once, which mends a tail that was never written, or restore a backup';
    throw new OverlayError('data_loss', `${path} is shorter than its first page says; ${way}`);
  } finally {
    closeSync(file);
  }
}

function damaged(path: string): OverlayError {
  const way = 'restore the folder from a backup, or move it away to start with an empty log';
  return new OverlayError('data_loss', `${path} is damaged: it does not begin like an lmdb database; ${way}`);
}
