import type { Clock } from '@overlay/service';
import type { HostClock } from '../host-clock.js';
import type { AddressBook } from './address-book.js';
import { capacityOf, type HalfCapacity } from './capacity.js';

/** What is watched, and with which clocks. */
export interface CapacityWatch {
  readonly book: AddressBook;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly hostClock: HostClock;
  readonly cooldownMs: number;
  /** Only of this network. */
  readonly network?: string;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Changes within this time are told together. */
const PACE_MS = 100;
/** How often is looked whether addresses have cooled, while some are cooling. */
const COOLING_CHECK_MS = 1000;

/**
 * Every row of the capacity, at once and also if there is none; then the rows that are new or changed, at most
 * ten times a second. A half that goes is told once more, with a total of 0. Ends when the signal aborts.
 * @throws OverlayError `unavailable` when the process shuts down.
 */
export async function* watchCapacity(watch: CapacityWatch): AsyncGenerator<readonly HalfCapacity[]> {
  let told: ReadonlyMap<string, HalfCapacity> | undefined;
  while (!watch.signal.aborted) {
    const seen = watch.book.revision;
    const rows = await readRows(watch);
    const now = new Map(rows.map((row) => [keyOfRow(row), row]));
    const news = told === undefined ? rows : difference(told, now);
    if (told === undefined || news.length > 0) yield news;
    told = now;
    await nextChange(
      watch,
      seen,
      rows.some(({ cooling }) => cooling > 0n),
    );
    await watch.clock.sleep(PACE_MS, watch.signal);
  }
}

function readRows({ book, hostClock, cooldownMs, network }: CapacityWatch): Promise<readonly HalfCapacity[]> {
  return book.read((state) => capacityOf(state, { at: hostClock.instant(), cooldownMs }, network));
}

function keyOfRow(row: HalfCapacity): string {
  return `${row.network}/${row.half}/${row.family}`;
}

function difference(
  before: ReadonlyMap<string, HalfCapacity>,
  now: ReadonlyMap<string, HalfCapacity>,
): readonly HalfCapacity[] {
  const changed = [...now].filter(([key, row]) => !isSameRow(row, before.get(key)));
  const gone = [...before].filter(([key]) => !now.has(key));
  return [...changed.map(([, row]) => row), ...gone.map(([, row]) => emptied(row))];
}

function isSameRow(a: HalfCapacity, b: HalfCapacity | undefined): boolean {
  return (
    b !== undefined &&
    a.total === b.total &&
    a.used === b.used &&
    a.reserved === b.reserved &&
    a.cooling === b.cooling &&
    a.free === b.free &&
    a.largestBurst === b.largestBurst &&
    a.exhaustedSinceMs === b.exhaustedSinceMs
  );
}

function emptied({ network, half, family }: HalfCapacity): HalfCapacity {
  return {
    network,
    half,
    family,
    total: 0n,
    used: 0n,
    reserved: 0n,
    cooling: 0n,
    free: 0n,
    largestBurst: 0n,
  };
}

/** Resolves when something was committed after `seen`, when it is time to look again, or on the signal. */
function nextChange({ book, clock, signal }: CapacityWatch, seen: number, cooling: boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = new AbortController();
    const finish = () => {
      stop();
      timer.abort();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const stop = book.onChange(finish);
    signal.addEventListener('abort', finish, { once: true });
    if (cooling) clock.sleep(COOLING_CHECK_MS, timer.signal).then(finish, finish);
    if (book.revision !== seen || signal.aborted) finish();
  });
}
