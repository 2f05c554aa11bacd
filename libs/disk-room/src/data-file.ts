import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';

/** Offset of the meta data in a meta page, behind its header (lmdb 0.9.90 as lmdb-js builds it). */
const META_OFFSET = 24;
const META_SIZE = 136;
const MAGIC = 0xbeefc0de;

/** What a data file says of itself. */
export interface MetaPage {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: bigint;
  /** Pages at which the tree of free pages and that of the content begin. */
  readonly roots: readonly bigint[];
}

/**
 * Makes sure that lmdb can open a data file without being killed. lmdb maps the file and trusts it: reading behind
 * the end of a file that lost its tail raises SIGBUS, and the binding dies of a file that is no database. A file that is
 * shorter than its meta page says is extended with zeros; lmdb reports a lost page as corruption then, and a tail that
 * was allocated but never written stays what it was. Does nothing if there is no file, or an empty one. Repeatable.
 * @returns whether it can be opened: false if it is no lmdb database.
 * @throws the file system's error.
 */
export function makeSafeToMap(path: string): boolean {
  if (!existsSync(path)) return true;
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return true;
    const least = leastDataFileBytes(file);
    if (least === undefined) return false;
    if (size < least) ftruncateSync(file, least);
    return true;
  } finally {
    closeSync(file);
  }
}

/** How long an open data file has to be for lmdb to map all of it; undefined if it is no lmdb database. */
export function leastDataFileBytes(file: number): number | undefined {
  const meta = newestMeta(file);
  return meta === undefined ? undefined : (meta.lastPage + 1) * meta.pageSize;
}

/** The meta page of an open data file that its last commit wrote; undefined if it is no lmdb database. */
export function newestMeta(file: number): MetaPage | undefined {
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
  return {
    pageSize,
    lastPage: Number(bytes.readBigUInt64LE(120)),
    transaction: bytes.readBigUInt64LE(128),
    roots: [bytes.readBigUInt64LE(64), bytes.readBigUInt64LE(112)],
  };
}
