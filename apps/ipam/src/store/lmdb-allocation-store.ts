import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DatabaseSize,
  damagedPageOf,
  FileRoom,
  lockFileOf,
  makeFolder,
  makeLockRoom,
  makeSafeToMap,
  pagesOfCommit,
  provideDataFile,
} from '@overlay/disk-room';
import { isFailure, OverlayError, toOverlayError } from '@overlay/failure';
import { open, type RootDatabase } from 'lmdb';
import type { IpamMutation } from '../allocation/records.js';
import type { AllocationStore, StoredIpam } from './allocation-store.js';
import { otherLockHolders } from './file-locks.js';
import {
  ALLOCATIONS,
  type CommitWrites,
  commitWritesOf,
  eachWrite,
  FREED,
  type KeyWrite,
  POOLS_KEY,
  RESERVATIONS,
} from './key-writes.js';
import {
  parseStoredAllocation,
  parseStoredFreed,
  parseStoredPools,
  parseStoredReservation,
} from './stored-record.js';

/** Format 1 had neither reservations nor freed addresses; everything else of it stands in format 2. */
const FORMAT = 2;
const READABLE_FORMATS: readonly unknown[] = [1, FORMAT];
const FILE = 'allocations.lmdb';
const FORMAT_KEY = 'format';
const FORMAT_WRITE: KeyWrite = [FORMAT_KEY, JSON.stringify(FORMAT)];

/** Room that only releases may use: a store that copies on write needs room even to delete. */
const RELEASE_ROOM_BYTES = 256 * 1024;
/** Where format 1 kept that room. */
const FORMER_RESERVE = 'space-reserve';

/**
 * Pools, allocations, reservations and freed addresses in an LMDB file under the state folder.
 *
 * Commits are synchronous LMDB transactions, flushed before they return: of LMDB's ways to write, only these
 * say for certain whether they happened (of a queued batch the binding goes on behind a write that failed). Whoever
 * calls batches what waits, so that one flush serves many, and keeps the store in a thread of its own.
 * Before each commit the file gets the room that the commit may need: a full disk is found then, where nothing
 * is half done, and never by LMDB itself (version 3.5.6 of the binding writes beyond a buffer when it reports
 * that a page cannot be written).
 */
export class LmdbAllocationStore implements AllocationStore {
  readonly #folder: string;
  readonly #database: RootDatabase<string, string>;
  readonly #room: FileRoom;
  #closed: Promise<void> | undefined;

  private constructor(folder: string, database: RootDatabase<string, string>) {
    this.#folder = folder;
    this.#database = database;
    this.#room = new FileRoom(join(folder, FILE));
  }

  /**
   * Opens the store, creating what is missing. One process at a time may have it open: each plans against what
   * it read at its start.
   * @throws OverlayError `failed_precondition` naming the folder if it cannot be used, or the process that
   * uses it; `data_loss` if the file is no database, or one that lost its content or a page.
   */
  static async open(folder: string): Promise<LmdbAllocationStore> {
    try {
      makeFolder(folder, 0o700);
      const path = join(folder, FILE);
      const lockFile = lockFileOf(path);
      makeLockRoom(lockFile);
      requireSoleUse(lockFile);
      await provideDataFile(path, (draft) => openDatabase(draft).close());
      requireSound(folder, path);
      const database = openDatabase(path);
      requireSoleUse(lockFile);
      rmSync(join(folder, FORMER_RESERVE), { force: true });
      return new LmdbAllocationStore(folder, database);
    } catch (error) {
      if (isFailure(error, 'data_loss')) throw error;
      const message = `state_dir: the store in ${folder} cannot be opened: ${toOverlayError(error).message}`;
      throw new OverlayError('failed_precondition', message, { cause: error });
    }
  }

  async load(): Promise<StoredIpam> {
    try {
      this.#requireFormat();
      const pools = this.#database.get(POOLS_KEY);
      return {
        pools: pools === undefined ? [] : parseStoredPools(POOLS_KEY, decode(pools)),
        allocations: this.#all(ALLOCATIONS, parseStoredAllocation),
        reservations: this.#all(RESERVATIONS, parseStoredReservation),
        freed: this.#all(FREED, parseStoredFreed),
      };
    } catch (error) {
      if (isFailure(error) && error.code !== 'data_loss') throw error;
      throw damaged(this.#folder, toOverlayError(error).message, error);
    }
  }

  async commit(mutations: readonly IpamMutation[]): Promise<void> {
    this.write(commitWritesOf(mutations));
  }

  /**
   * Commits at once what {@link commitWritesOf} made of changes.
   * @throws OverlayError as {@link AllocationStore.commit}.
   */
  write(commit: CommitWrites): void {
    const writes = [FORMAT_WRITE, ...eachWrite(commit)];
    try {
      this.#makeRoom(writes, commit.releasing ? 0 : RELEASE_ROOM_BYTES);
      this.#database.transactionSync(() => {
        for (const [key, text] of writes) {
          if (text === '') this.#database.removeSync(key);
          else this.#database.putSync(key, text);
        }
      });
    } catch (error) {
      const message = `the store in ${this.#folder} cannot be written: ${toOverlayError(error).message}`;
      throw new OverlayError('unavailable', message, { cause: error });
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#database.close();
    return this.#closed;
  }

  #all<T>(folder: string, parse: (key: string, value: unknown) => T): readonly T[] {
    // The first key behind every key in the folder: "0" follows "/" in ASCII.
    const range = this.#database.getRange({ start: `${folder}/`, end: `${folder}0` });
    return [...range].map(({ key, value }) => parse(key, decode(value)));
  }

  #makeRoom(writes: readonly KeyWrite[], spareBytes: number): void {
    const size = this.#database.getStats() as DatabaseSize;
    const bytes = writes.reduce((sum, [key, text]) => sum + key.length + Buffer.byteLength(text), 0);
    const pages = pagesOfCommit({ keys: writes.length, bytes }, size, size.free, size.pageSize);
    this.#room.ensure((size.lastPageNumber + 1 + pages) * size.pageSize + spareBytes);
  }

  #requireFormat(): void {
    const text = this.#database.get(FORMAT_KEY);
    const found = text === undefined ? FORMAT : decode(text);
    if (READABLE_FORMATS.includes(found)) return;
    const readable = READABLE_FORMATS.join(' and ');
    const message = `state_dir: the store in ${this.#folder} has format ${String(found)}, this release reads ${readable}: run the release that wrote it`;
    throw new OverlayError('failed_precondition', message);
  }
}

function openDatabase(path: string): RootDatabase<string, string> {
  return open<string, string>({
    path,
    encoding: 'string',
    noSubdir: true,
    overlappingSync: false,
    cache: false,
  });
}

/** lmdb takes an empty file for a new database, and dies of a page that is none. */
function requireSound(folder: string, path: string): void {
  if (statSync(path).size === 0) throw damaged(folder, 'it is empty, which it never was before');
  if (!makeSafeToMap(path)) throw damaged(folder, 'it does not begin like an lmdb database');
  const reason = damagedPageOf(path);
  if (reason !== undefined) throw damaged(folder, reason);
}

function damaged(folder: string, reason: string, cause?: unknown): OverlayError {
  const way = 'restore it from a backup, or move it away once no container holds an address of this host';
  const message = `state_dir: ${join(folder, FILE)} is damaged: ${reason}; ${way}`;
  return new OverlayError('data_loss', message, { cause });
}

/** LMDB locks this file as long as it has the store open, and the kernel drops the lock of a process that dies. */
function requireSoleUse(lockFile: string): void {
  const locks = readFileSync('/proc/locks', 'utf8');
  const [other] = otherLockHolders(locks, statSync(lockFile).ino, process.pid);
  if (other === undefined) return;
  throw new Error(`process ${other} uses it: stop that process or choose another folder`);
}

/** What is no JSON is refused by whoever reads the record, with the record's key. */
function decode(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
