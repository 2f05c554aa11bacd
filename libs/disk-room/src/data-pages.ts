import { closeSync, openSync, readSync } from 'node:fs';
import { type MetaPage, newestMeta } from './data-file.js';

/** Offsets and marks of lmdb 0.9.90 as lmdb-js builds it (mdb.c: MDB_page_header, MDB_node, MDB_db, MDB_ovpage). */
const HEADER_BYTES = 24;
const FLAGS = 18;
const LOWER = 20;
const UPPER = 22;
const PAGE_COUNT = 20;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const NODE_BYTES = 8;
const BIG_DATA = 0x01;
const SUB_DATABASE = 0x02;
const DATABASE_BYTES = 48;
const DATABASE_ROOT = 40;
/** Stands for the root of a tree without pages. */
const NO_PAGE = 2n ** 64n - 1n;

/** A page that a tree leads to, and what it has to be there. */
interface Reference {
  readonly page: bigint;
  readonly kind: 'node' | 'overflow';
}

/**
 * Looks whether lmdb can walk all trees of a data file: every page that they lead to has to say that it is that page, of
 * the right kind and with its entries inside it, and belongs to one place only. lmdb takes that for granted; of a page
 * that was lost it ends the process. Keys and values are not looked at. Reads every page in use once, so nobody may be
 * writing to the file.
 * @returns what is wrong with the first page that is; undefined if nothing is, or if the file is no lmdb database.
 * @throws the file system's error.
 */
export function damagedPageOf(path: string): string | undefined {
  const file = openSync(path, 'r');
  try {
    const meta = newestMeta(file);
    return meta === undefined ? undefined : damageBelow(file, meta);
  } finally {
    closeSync(file);
  }
}

function damageBelow(file: number, { roots, pageSize, lastPage }: MetaPage): string | undefined {
  const seen = new Set<bigint>();
  const open: Reference[] = nodesAt(roots);
  const bytes = Buffer.alloc(pageSize);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { page } = next;
    if (page < 2n || page > BigInt(lastPage)) return `its tree leads to page ${page}, which it does not have`;
    if (seen.has(page)) return `its tree leads to page ${page} twice`;
    seen.add(page);
    const found = readSync(file, bytes, 0, pageSize, Number(page) * pageSize);
    const below = found === pageSize ? referencesOf(bytes, next, BigInt(lastPage)) : undefined;
    if (below === undefined) return `page ${page} of its tree is lost or overwritten`;
    open.push(...below);
  }
  return undefined;
}

function nodesAt(pages: readonly bigint[]): Reference[] {
  return pages.filter((page) => page !== NO_PAGE).map((page) => ({ page, kind: 'node' }));
}

/** Where a page leads; undefined if it is not what it has to be. */
function referencesOf(
  bytes: Buffer,
  { page, kind }: Reference,
  lastPage: bigint,
): readonly Reference[] | undefined {
  if (bytes.readBigUInt64LE(0) !== page) return undefined;
  const flags = bytes.readUInt16LE(FLAGS);
  if (kind === 'overflow') {
    const count = bytes.readUInt32LE(PAGE_COUNT);
    return flags === OVERFLOW && count > 0 && page + BigInt(count) - 1n <= lastPage ? [] : undefined;
  }
  if (flags !== BRANCH && flags !== LEAF) return undefined;
  const [lower, upper] = [bytes.readUInt16LE(LOWER), bytes.readUInt16LE(UPPER)];
  if (lower > upper || upper + HEADER_BYTES > bytes.length || lower < 2) return undefined;
  const references: Reference[] = [];
  for (let at = HEADER_BYTES; at < HEADER_BYTES + lower; at += 2) {
    const node = bytes.readUInt16LE(at) + HEADER_BYTES;
    const below = node < upper + HEADER_BYTES ? undefined : referencesOfNode(bytes, node, flags);
    if (below === undefined) return undefined;
    references.push(...below);
  }
  return references;
}

function referencesOfNode(bytes: Buffer, node: number, pageFlags: number): readonly Reference[] | undefined {
  if (node + NODE_BYTES > bytes.length) return undefined;
  const [low, flags] = [bytes.readUInt32LE(node), bytes.readUInt16LE(node + 4)];
  const data = node + NODE_BYTES + bytes.readUInt16LE(node + 6);
  if (pageFlags === BRANCH) {
    if (data > bytes.length) return undefined;
    // A branch has no flags: their place holds the top of the page's number.
    return nodesAt([(BigInt(flags) << 32n) | BigInt(low)]);
  }
  const isBig = (flags & BIG_DATA) !== 0;
  const length = isBig ? HEADER_BYTES : low;
  if (data + length > bytes.length) return undefined;
  if (isBig) return [{ page: bytes.readBigUInt64LE(data), kind: 'overflow' }];
  if ((flags & SUB_DATABASE) === 0) return [];
  return length < DATABASE_BYTES ? undefined : nodesAt([bytes.readBigUInt64LE(data + DATABASE_ROOT)]);
}
