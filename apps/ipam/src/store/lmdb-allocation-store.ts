import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { OverlayError } from '@overlay/failure';
import { open, type RootDatabase } from 'lmdb';
import { type IpamMutation, keyOf } from '../allocation/records.js';
import type { AllocationStore, StoredIpam } from './allocation-store.js';
import { SpaceReserve } from './space-reserve.js';
import { parseStoredAllocation, parseStoredPools } from './stored-record.js';

const FORMAT = 1;
const FORMAT_KEY = 'format';
const POOLS_KEY = 'pools';
const ALLOCATION_PREFIX = 'allocation/';
/** The first key behind every key with the prefix: "0" follows "/" in ASCII. */
const ALLOCATION_END = 'allocation0';

/**
 * Pools and allocations in an LMDB file under the state folder.
 *
 * Commits are synchronous LMDB transactions, flushed before they return: of LMDB's ways to write, only these
 * say for certain whether they happened. Whoever calls batches what waits, so that one flush serves many.
 */
export class LmdbAllocationStore implements AllocationStore {
  readonly #folder: string;
  readonly #database: RootDatabase<unknown, string>;
  readonly #reserve: SpaceReserve;
  #closed: Promise<void> | undefined;

  private constructor(folder: string, database: RootDatabase<unknown, string>) {
    this.#folder = folder;
    this.#database = database;
    this.#reserve = new SpaceReserve(join(folder, 'space-reserve'));
  }

  /**
   * Opens the store, creating what is missing.
   * @throws OverlayError `failed_precondition` naming the folder if it cannot be used.
   */
  static open(folder: string): LmdbAllocationStore {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const database = open<unknown, string>({
        path: join(folder, 'allocations.lmdb'),
        encoding: 'json',
        noSubdir: true,
        overlappingSync: false,
        cache: false,
      });
      const store = new LmdbAllocationStore(folder, database);
      store.#reserve.take();
      return store;
    } catch (error) {
      const message = `state_dir: the store in ${folder} cannot be opened: ${reasonOf(error)}`;
      throw new OverlayError('failed_precondition', message, { cause: error });
    }
  }

  async load(): Promise<StoredIpam> {
    this.#requireFormat();
    const pools = this.#database.get(POOLS_KEY);
    const range = this.#database.getRange({ start: ALLOCATION_PREFIX, end: ALLOCATION_END });
    return {
      pools: pools === undefined ? [] : parseStoredPools(POOLS_KEY, pools),
      allocations: [...range].map(({ key, value }) => parseStoredAllocation(key, value)),
    };
  }

  async commit(mutations: readonly IpamMutation[]): Promise<void> {
    try {
      this.#write(mutations);
    } catch (error) {
      const onlyReleases = mutations.every((mutation) => mutation.kind === 'delete_allocation');
      if (!onlyReleases || !this.#reserve.yield()) throw this.#unwritable(error);
      try {
        this.#write(mutations);
      } catch (again) {
        throw this.#unwritable(again);
      }
    }
    this.#reserve.take();
  }

  close(): Promise<void> {
    this.#closed ??= this.#database.close();
    return this.#closed;
  }

  #write(mutations: readonly IpamMutation[]): void {
    this.#database.transactionSync(() => {
      this.#database.putSync(FORMAT_KEY, FORMAT);
      for (const mutation of mutations) this.#writeOne(mutation);
    });
  }

  #writeOne(mutation: IpamMutation): void {
    switch (mutation.kind) {
      case 'put_allocation':
        this.#database.putSync(`${ALLOCATION_PREFIX}${keyOf(mutation.record)}`, mutation.record);
        return;
      case 'delete_allocation':
        this.#database.removeSync(`${ALLOCATION_PREFIX}${mutation.key}`);
        return;
      case 'replace_pools':
        this.#database.putSync(POOLS_KEY, mutation.pools);
        return;
    }
  }

  #requireFormat(): void {
    const found = this.#database.get(FORMAT_KEY) ?? FORMAT;
    if (found === FORMAT) return;
    const message = `state_dir: the store in ${this.#folder} has format ${String(found)}, this release reads ${FORMAT}: run the release that wrote it`;
    throw new OverlayError('failed_precondition', message);
  }

  #unwritable(error: unknown): OverlayError {
    const message = `the store in ${this.#folder} cannot be written: ${reasonOf(error)}`;
    return new OverlayError('unavailable', message, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
