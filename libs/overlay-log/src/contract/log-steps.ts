import { type LogRecord, type Mutation, refOf } from '@overlay/model';
import { keyOf } from '../log-keys.js';
import type { Fence, Leadership, LogChange, OverlayLog } from '../overlay-log.js';

/** A log under test. */
export interface OpenedLog {
  readonly log: OverlayLog;
  /** Closes the log and opens what it left. */
  reopen(): Promise<OverlayLog>;
  /**
   * Drops the history up to and with the commit of this revision, for a driver that does not forget by itself
   * what is older than 100 commits.
   */
  forget?(revision: bigint): Promise<void>;
  /** Closes everything and removes every trace. */
  dispose(): Promise<void>;
}

/** A log as each test of the contract finds it: empty, and led by `m1`. */
export interface LedLog {
  readonly opened: OpenedLog;
  readonly log: OverlayLog;
  readonly leadership: Leadership;
  readonly fence: Fence;
}

/** A change that makes an entry. */
export function create(record: LogRecord): Mutation {
  return { op: 'create', record };
}

/** A change that makes or replaces an entry. */
export function put(record: LogRecord): Mutation {
  return { op: 'put', record };
}

/** A change that removes the entry of a record. */
export function remove(record: LogRecord): Mutation {
  return { op: 'delete', ref: refOf(record) };
}

/** Records in the order of their keys. */
export function byKey(list: readonly LogRecord[]): readonly LogRecord[] {
  return list.toSorted((a, b) => (keyOf(refOf(a)) < keyOf(refOf(b)) ? -1 : 1));
}

/** Campaigns, and waits until the candidate leads. */
export function lead(log: OverlayLog, candidate: string): Promise<Leadership> {
  return log.campaign(candidate, new AbortController().signal);
}

/** What the log holds, in the order of its keys. */
export async function contents(
  log: OverlayLog,
): Promise<{ revision: bigint; records: readonly LogRecord[] }> {
  const snapshot = await log.load();
  const list: LogRecord[] = [];
  for await (const batch of snapshot.records) list.push(...batch);
  return { revision: snapshot.revision, records: byKey(list) };
}

/** The first so many changes behind a revision. */
export async function take(
  log: OverlayLog,
  fromRevision: bigint,
  count: number,
): Promise<readonly LogChange[]> {
  const stop = new AbortController();
  const seen: LogChange[] = [];
  for await (const change of log.watch(fromRevision, stop.signal)) {
    seen.push(change);
    if (seen.length === count) stop.abort();
  }
  return seen;
}
