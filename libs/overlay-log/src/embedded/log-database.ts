import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { DatabaseRoom, makeFolder, makeLockRoom, provideDataFile } from '@overlay/disk-room';
import { type Database, open, type RootDatabase } from 'lmdb';
import { FORMAT_KEY, LOG_FORMAT, requireKnownFormat } from '../log-format.js';
import { makeSafeToMap, requireSafeToMap } from './data-file.js';
import { diskFailure } from './disk-failure.js';
import { lockFolder } from './folder-lock.js';

const DATA_FILE = 'data.mdb';
const LOCK_FILE = 'lock.mdb';
/** Address space that the map may grow to; only what is written takes memory or disk. */
const MAP_SIZE_BYTES = 2 ** 38;
const FORM = { noSubdir: false, mapSize: MAP_SIZE_BYTES, maxDbs: 4, encoding: 'string' } as const;

/** The tables of the embedded log. */
export interface LogDatabase {
  readonly root: RootDatabase<string, string>;
  /** Entry's key → record. */
  readonly records: Database<string, string>;
  /** Revision → term and batch. */
  readonly history: Database<string, number>;
  /** `meta/format`, `meta/revision`, `meta/epoch`, `meta/leader`, `meta/mark`. */
  readonly meta: Database<string, string>;
  /** Makes the room on disk for a commit before it begins. */
  readonly room: DatabaseRoom;
  /** Closes it, and lets others write to it. Called once. */
  close(): Promise<void>;
}

/**
 * Opens or creates the database in a folder that only its owner may read (0700), for this process alone.
 * @throws OverlayError `failed_precondition` if the folder cannot be used, another process writes to it or the format is
 * unknown, `data_loss` if the database is damaged.
 */
export async function openLogDatabase(dir: string): Promise<LogDatabase> {
  try {
    makeFolder(dir, 0o700);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    const unlock = lockFolder(dir);
    try {
      const database = await openLocked(dir);
      const close = () => database.close().finally(unlock);
      return { ...database, close };
    } catch (thrown) {
      unlock();
      throw thrown;
    }
  } catch (thrown) {
    throw diskFailure(thrown, 'open', dir);
  }
}

/**
 * Opens the database without changing anything in its folder, also while another process writes to it.
 * @throws OverlayError `not_found` if there is no log, `failed_precondition` if the folder cannot be used or the format
 * is unknown, `data_loss` if the database is damaged.
 */
export async function openLogDatabaseReadOnly(dir: string): Promise<LogDatabase> {
  try {
    requireSafeToMap(join(dir, DATA_FILE));
    return await openTables(open<string, string>({ ...FORM, path: dir, readOnly: true }), dir);
  } catch (thrown) {
    throw diskFailure(thrown, 'open', dir);
  }
}

async function openLocked(dir: string): Promise<LogDatabase> {
  makeLockRoom(join(dir, LOCK_FILE));
  await provideDataFile(join(dir, DATA_FILE), (path) => open({ path, noSubdir: true }).close());
  makeSafeToMap(join(dir, DATA_FILE));
  // overlappingSync: false makes the promise of a transaction wait for the disk.
  const root = open<string, string>({ ...FORM, path: dir, overlappingSync: false });
  return openTables(root, dir, () => {
    // Even the tables themselves need room.
    new DatabaseRoom(join(dir, DATA_FILE), root).ensure({ keys: 4, bytes: 1_024 });
  });
}

/** Closes the database again if it cannot be used. @param prepare what has to be done before its tables are opened */
async function openTables(
  root: RootDatabase<string, string>,
  dir: string,
  prepare: () => void = () => undefined,
): Promise<LogDatabase> {
  try {
    prepare();
    return await tablesOf(root, dir);
  } catch (thrown) {
    await root.close();
    throw thrown;
  }
}

async function tablesOf(root: RootDatabase<string, string>, dir: string): Promise<LogDatabase> {
  const path = join(dir, DATA_FILE);
  const tables = {
    meta: root.openDB<string, string>({ name: 'meta', encoding: 'string' }),
    records: root.openDB<string, string>({ name: 'records', encoding: 'string' }),
    history: root.openDB<string, number>({ name: 'history', encoding: 'string' }),
  };
  const format = tables.meta.get(FORMAT_KEY);
  if (format !== undefined) requireKnownFormat(format, dir);
  else await root.childTransaction(() => tables.meta.put(FORMAT_KEY, LOG_FORMAT));
  const room = new DatabaseRoom(path, root, Object.values(tables));
  return { root, ...tables, room, close: () => root.close() };
}
