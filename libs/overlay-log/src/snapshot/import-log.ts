import { isFailure, OverlayError } from '@overlay/failure';
import type { LogRecord } from '@overlay/model';
import type { Fence, OverlayLog } from '../overlay-log.js';
import { verifyLog } from '../verify/verify-log.js';
import { parseExport } from './parse-export.js';
import { unfinishedImport } from './unfinished-import.js';

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
}

/** How many broken rules an error tells. */
const PROBLEMS_NAMED = 5;

/**
 * Fills an empty log with the lines of an export. Everything is read and verified before the first record is
 * written; then it is written in batches under the fence of a campaign, the address space last. No master takes a
 * log without an address space for whole (see {@link unfinishedImport}), so an import that is interrupted is
 * noticed: empty the log and repeat it.
 * @throws OverlayError `data_loss` naming the line that cannot be read; `failed_precondition` if the log is not empty,
 * the export's format is unknown or its records break the log's rules, or if a master leads; what the log throws.
 */
export async function importLog(
  log: OverlayLog,
  lines: AsyncIterable<string> | Iterable<string>,
  options: ImportOptions,
): Promise<ImportResult> {
  await requireEmptyLog(log);
  const { header, records } = await parseExport(lines);
  await requireRight(records);
  const leadership = await campaign(log, options);
  try {
    // A master may have led meanwhile.
    await requireEmptyLog(log);
    const revision = await writeAll(log, records, leadership.fence);
    return { records: records.length, exportedRevision: header.revision, revision };
  } finally {
    await leadership.resign();
  }
}

async function writeAll(log: OverlayLog, records: readonly LogRecord[], fence: Fence): Promise<bigint> {
  const ordered = [
    ...records.filter(({ kind }) => kind !== 'address-space'),
    ...records.filter(({ kind }) => kind === 'address-space'),
  ];
  let revision = 0n;
  for (let start = 0; start < ordered.length; start += log.maxMutations) {
    const batch = ordered.slice(start, start + log.maxMutations);
    revision = await log.commit(
      batch.map((record) => ({ op: 'create', record })),
      fence,
    );
  }
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
 * Makes sure that a log is empty, as an import wants it.
 * @throws OverlayError `failed_precondition` if it is not; the message tells what an interrupted import left from
 * a log that is in use.
 */
export async function requireEmptyLog(log: OverlayLog): Promise<void> {
  let any = false;
  let whole = false;
  for await (const batch of (await log.load()).records) {
    any ||= batch.length > 0;
    whole ||= batch.some(({ kind }) => kind === 'address-space');
  }
  if (!any) return;
  if (!whole) throw unfinishedImport();
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
