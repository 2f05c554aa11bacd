import { isFailure, OverlayError } from '@overlay/failure';
import { type LogRecord, type LogRecordRef, type Mutation, refOf } from '@overlay/model';
import { inCommits } from '../commit-room.js';
import { keyOf } from '../log-keys.js';
import type { Fence, OverlayLog } from '../overlay-log.js';
import { verifyLog } from '../verify/verify-log.js';
import { parseExport } from './parse-export.js';

/** How an import goes about it. */
export interface ImportOptions {
  /** Who campaigns for the log; shown to masters while the import runs. */
  readonly candidate: string;
  /** How long to wait for leadership while a master leads, in milliseconds. */
  readonly waitMs: number;
}

/** What an import wrote. */
export interface ImportResult {
  readonly records: number;
  /** Revision of the log that was exported. */
  readonly exportedRevision: bigint;
  /** Revision that the log has now. */
  readonly revision: bigint;
  /** Records of an interrupted import that were replaced. */
  readonly replaced: number;
}

/** How many broken rules an error tells. */
const PROBLEMS_NAMED = 5;

/**
 * Fills an empty log with the lines of an export. Everything is read and verified before the first record is
 * written; then it is written in batches under the fence of a campaign, the address space last. No master takes a
 * log without an address space for whole (see `unfinishedImport`), so an import that is interrupted is noticed, and
 * the next one, of the same export or of another, replaces what it left.
 * @throws OverlayError `data_loss` naming the line that cannot be read; `failed_precondition` if the log is not empty,
 * the export's format is unknown or its records break the log's rules, or if a master leads; what the log throws.
 */
export async function importLog(
  log: OverlayLog,
  lines: AsyncIterable<string> | Iterable<string>,
  options: ImportOptions,
): Promise<ImportResult> {
  await requireImportable(log);
  const { header, records } = await parseExport(lines);
  await requireRight(records);
  const leadership = await campaign(log, options);
  try {
    // A master may have led meanwhile.
    const leftovers = await requireImportable(log);
    const revision = await writeAll(log, planImport(records, leftovers), leadership.fence);
    const { length } = records;
    return { records: length, exportedRevision: header.revision, revision, replaced: leftovers.length };
  } finally {
    await leadership.resign();
  }
}

/** What turns leftovers into the records; the address space comes last. */
function planImport(records: readonly LogRecord[], leftovers: readonly LogRecordRef[]): readonly Mutation[] {
  const left = new Set(leftovers.map(keyOf));
  const wanted = new Set(records.map((record) => keyOf(refOf(record))));
  const write = (record: LogRecord): Mutation => ({
    op: left.has(keyOf(refOf(record))) ? 'put' : 'create',
    record,
  });
  return [
    ...leftovers.filter((ref) => !wanted.has(keyOf(ref))).map((ref): Mutation => ({ op: 'delete', ref })),
    ...records.filter(({ kind }) => kind !== 'address-space').map(write),
    ...records.filter(({ kind }) => kind === 'address-space').map(write),
  ];
}

async function writeAll(log: OverlayLog, mutations: readonly Mutation[], fence: Fence): Promise<bigint> {
  let revision = 0n;
  for (const part of inCommits(mutations, log)) revision = await log.commit(part, fence);
  return revision;
}

async function campaign(log: OverlayLog, { candidate, waitMs }: ImportOptions) {
  try {
    return await log.campaign(candidate, AbortSignal.timeout(waitMs));
  } catch (thrown) {
    if (!isFailure(thrown, 'aborted')) throw thrown;
    const message = 'a master leads this log, or the log cannot be reached; stop every master first';
    throw new OverlayError('failed_precondition', message, { cause: thrown });
  }
}

/**
 * Makes sure that a log is as an import wants it: empty, or left by an import that was interrupted.
 * @returns what such an import left.
 * @throws OverlayError `failed_precondition` if a master has written the log.
 */
export async function requireImportable(log: OverlayLog): Promise<readonly LogRecordRef[]> {
  const leftovers: LogRecordRef[] = [];
  for await (const batch of (await log.load()).records) leftovers.push(...batch.map(refOf));
  if (leftovers.every(({ kind }) => kind !== 'address-space')) return leftovers;
  const message = 'the overlay log is not empty; an import goes into an empty log only';
  throw new OverlayError('failed_precondition', `${message}: give it another folder or prefix`);
}

async function requireRight(records: readonly LogRecord[]): Promise<void> {
  const problems = await verifyLog([records]);
  if (problems.length === 0) return;
  const named = problems.slice(0, PROBLEMS_NAMED).map(({ key, description }) => `  ${key} ${description}`);
  const more = problems.length > PROBLEMS_NAMED ? [`  and ${problems.length - PROBLEMS_NAMED} more`] : [];
  const message = ['the export breaks the rules of the overlay log:', ...named, ...more].join('\n');
  throw new OverlayError('failed_precondition', message);
}
