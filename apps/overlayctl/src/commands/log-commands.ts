import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OverlayError, toOverlayError } from '@overlay/failure';
import type { Command } from 'commander';
import { checkLog } from '../check-log.js';
import { type CommandContext, printAnswer } from '../command-context.js';
import { importJson, logReportJson } from '../json/log-json.js';
import { withMasterLog } from '../open-master-log.js';
import { renderLogReport } from '../render/render-log.js';
import { joinLines, splitLines } from '../text-lines.js';

interface LogFlags {
  readonly config?: string;
}

/** An export names every host of the cluster: its owner's business. */
const EXPORT_MODE = 0o600;
const STANDARD_STREAM = '-';

/** Adds `log verify`, `log export` and `log import`. */
export function addLogCommands(program: Command, context: CommandContext): void {
  const log = program.command('log').description('the overlay log itself, opened without asking a master');
  const add = (name: string, description: string) =>
    log
      .command(name)
      .description(description)
      .option(
        '--config <file>',
        'configuration of the master whose log it is (default: what a master without one has)',
      );
  add('verify', 'check every rule of the log; exits 1 if one is broken').action((flags: LogFlags) =>
    verify(context, flags),
  );
  add('export', 'write the log into a file, readable and complete, also while masters run')
    .argument('<file>', `the file, or ${STANDARD_STREAM} for standard output`)
    .action((file: string, flags: LogFlags) => exportTo(context, file, flags));
  add('import', 'fill an empty log, or one that an interrupted import left; no master may run on it')
    .argument('<file>', `the file, or ${STANDARD_STREAM} for standard input`)
    .action((file: string, flags: LogFlags) => importFrom(context, file, flags));
}

async function verify(context: CommandContext, { config }: LogFlags): Promise<void> {
  const report = await withMasterLog({ config, writable: false }, checkLog);
  printAnswer(context, { json: () => logReportJson(report), text: () => renderLogReport(report) });
  if (report.problems.length === 0) return;
  const way = 'stop the masters, and import an export from before the damage into an empty log';
  throw new OverlayError('data_loss', `the overlay log breaks ${report.problems.length} rules: ${way}`);
}

async function exportTo(context: CommandContext, file: string, { config }: LogFlags): Promise<void> {
  const { exportLog } = await import('@overlay/overlay-log');
  await withMasterLog({ config, writable: false }, async (log) => {
    let lines = 0;
    async function* counted(): AsyncGenerator<string> {
      for await (const line of exportLog(log, Date.now())) {
        lines += 1;
        yield line;
      }
    }
    if (file === STANDARD_STREAM) {
      await context.terminal.printPieces(joinLines(counted()));
      return;
    }
    await writeExport(file, joinLines(counted()));
    const records = lines - 1;
    printAnswer(context, {
      json: () => ({ file: resolve(file), records }),
      text: () => `wrote ${records} records to ${file}`,
    });
  });
}

async function importFrom(context: CommandContext, file: string, { config }: LogFlags): Promise<void> {
  const { importLog } = await import('@overlay/overlay-log');
  const { timeoutMs } = context.globals();
  const lines = splitLines(file === STANDARD_STREAM ? context.terminal.input : readPieces(file));
  const result = await withMasterLog({ config, writable: true }, (log) =>
    importLog(log, lines, {
      candidate: `overlayctl-import#${randomUUID()}`,
      waitMs: timeoutMs,
    }),
  );
  printAnswer(context, {
    json: () => importJson(result),
    text: () => {
      const { records, exportedRevision, replaced } = result;
      const instead = replaced === 0 ? '' : `, in place of ${replaced} that an interrupted import left`;
      return `imported ${records} records of revision ${exportedRevision}${instead}; the masters can start`;
    },
  });
}

async function writeExport(file: string, pieces: AsyncIterable<string>): Promise<void> {
  const { writeFileAtomically } = await import('@overlay/service');
  try {
    await writeFileAtomically(replaceable(file), pieces, EXPORT_MODE);
  } catch (thrown) {
    if (thrown instanceof OverlayError) throw thrown;
    const message = `cannot write ${file}: ${toOverlayError(thrown).message}`;
    throw new OverlayError('unavailable', message, { cause: thrown });
  }
}

/**
 * The path at which a file may be made or replaced: behind symbolic links, for `/dev/stdout` is one.
 * @throws OverlayError `failed_precondition` for a device or whatever else is no file: the whole machine may use it;
 * `not_found` for a folder that is not there: a path with a slip in it is no place for a backup.
 */
function replaceable(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) {
    const folder = dirname(resolve(file));
    if (existsSync(folder)) return resolve(file);
    throw new OverlayError('not_found', `cannot write ${file}: there is no folder ${folder}; make it first`);
  }
  if (found.isFile()) return realpathSync(file);
  const message = `cannot write ${file}: it is no regular file; ${STANDARD_STREAM} is standard output`;
  throw new OverlayError('failed_precondition', message);
}

async function* readPieces(file: string): AsyncGenerator<string | Buffer> {
  try {
    yield* createReadStream(file, 'utf8') as AsyncIterable<string>;
  } catch (thrown) {
    const message = `cannot read ${file}: ${toOverlayError(thrown).message}`;
    throw new OverlayError('not_found', message, { cause: thrown });
  }
}
