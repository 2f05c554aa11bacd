import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { FORMAT_KEY, LOG_FORMAT, requireKnownFormat } from '../log-format.js';
import { makeSafeToMap, requireSafeToMap } from './data-file.js';
import { diskFailure } from './disk-failure.js';

/** Address space that the map may grow to; only what is written takes memory or disk. */
const MAP_SIZE_BYTES = 2 ** 38;

/** The tables of the embedded log. */
export interface LogDatabase {
  readonly root: RootDatabase<string, string>;
  /** Entry's key → record. */
  readonly records: Database<string, string>;
  /** Revision → batch. */
  readonly history: Database<string, number>;
  /** `meta/format`, `meta/revision`, `meta/epoch`, `meta/leader`. */
  readonly meta: Database<string, string>;
}

/**
 * Opens or creates the database in a folder that only its owner may read (0700).
 * @throws OverlayError `unavailable` if the folder cannot be used, `data_loss` if the database is damaged,
 * `failed_precondition` if its format is unknown.
 */
export async function openLogDatabase(dir: string): Promise<LogDatabase> {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    makeSafeToMap(join(dir, 'data.mdb'));
    // overlappingSync: false makes the promise of a transaction wait for the disk.
    const root = open<string, string>({
      path: dir,
      noSubdir: false,
      mapSize: MAP_SIZE_BYTES,
      maxDbs: 4,
      encoding: 'string',
      overlappingSync: false,
    });
    try {
      return await openTables(root, dir);
    } catch (thrown) {
      await root.close();
      throw thrown;
    }
  } catch (thrown) {
    throw diskFailure(thrown, 'open', dir);
  }
}

/**
 * Opens the database without changing anything in its folder, also while another process writes to it.
 * @throws OverlayError `not_found` if there is no log, `unavailable` if the folder cannot be used, `data_loss` if
 * the database is damaged, `failed_precondition` if its format is unknown.
 */
export async function openLogDatabaseReadOnly(dir: string): Promise<LogDatabase> {
  try {
    requireSafeToMap(join(dir, 'data.mdb'));
    const root = open<string, string>({
      path: dir,
      noSubdir: false,
      mapSize: MAP_SIZE_BYTES,
      maxDbs: 4,
      encoding: 'string',
      readOnly: true,
    });
    try {
      return await openTables(root, dir);
    } catch (thrown) {
      await root.close();
      throw thrown;
    }
  } catch (thrown) {
    throw diskFailure(thrown, 'open', dir);
  }
}

async function openTables(root: RootDatabase<string, string>, dir: string): Promise<LogDatabase> {
  const meta = root.openDB<string, string>({ name: 'meta', encoding: 'string' });
  const database: LogDatabase = {
    root,
    meta,
    records: root.openDB<string, string>({ name: 'records', encoding: 'string' }),
    history: root.openDB<string, number>({ name: 'history', encoding: 'string' }),
  };
  const format = meta.get(FORMAT_KEY);
  if (format !== undefined) requireKnownFormat(format, dir);
  else await root.childTransaction(() => meta.put(FORMAT_KEY, LOG_FORMAT));
  return database;
}
