import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { OverlayError } from '@overlay/failure';

/** Offset of the meta data in a meta page, behind its header (lmdb 0.9.90 as lmdb-js builds it). */
const META_OFFSET = 24;
const META_SIZE = 136;
const MAGIC = 0xbeefc0de;

interface MetaPage {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: bigint;
}

/**
 * Makes sure that lmdb can open the data file without being killed. lmdb maps the file and trusts it: reading
 * behind the end of a file that lost its tail raises SIGBUS. So a file without a valid meta page is refused, and
 * one that is shorter than its meta page says is extended with zeros; lmdb reports a lost page as corruption
 * then, and a tail that was allocated but never written stays what it was. Does nothing if there is no file.
 * @throws OverlayError `data_loss` if the file is no lmdb database.
 */
export function makeSafeToMap(path: string): void {
  if (!existsSync(path)) return;
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return;
    const least = leastSize(file, path);
    if (size < least) ftruncateSync(file, least);
  } finally {
    closeSync(file);
  }
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
    const least = leastSize(file, path);
    // Asked after the meta page: a growing file is never shorter than the page said.
    if (fstatSync(file).size >= least) return;
    const way = 'start the master on it once, which mends a tail that was never written, or restore a backup';
    throw new OverlayError('data_loss', `${path} is shorter than its first page says; ${way}`);
  } finally {
    closeSync(file);
  }
}

/** How long the file has to be for lmdb to map all of it. */
function leastSize(file: number, path: string): number {
  const meta = newestMeta(file);
  if (meta !== undefined) return (meta.lastPage + 1) * meta.pageSize;
  const way = 'restore the folder from a backup, or move it away to start with an empty log';
  throw new OverlayError('data_loss', `${path} is damaged: it does not begin like an lmdb database; ${way}`);
}

function newestMeta(file: number): MetaPage | undefined {
  const first = readMeta(file, 0);
  const second = readMeta(file, first?.pageSize ?? 4096);
  if (first === undefined || second === undefined) return undefined;
  return first.transaction > second.transaction ? first : second;
}

function readMeta(file: number, page: number): MetaPage | undefined {
  const bytes = Buffer.alloc(META_SIZE);
  if (readSync(file, bytes, 0, META_SIZE, page + META_OFFSET) < META_SIZE) return undefined;
  const pageSize = bytes.readUInt32LE(24);
  if (bytes.readUInt32LE(0) !== MAGIC || pageSize < 256 || pageSize > 65_536) return undefined;
  return { pageSize, lastPage: Number(bytes.readBigUInt64LE(120)), transaction: bytes.readBigUInt64LE(128) };
}
