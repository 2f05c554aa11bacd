import { OverlayError, toOverlayError } from '@overlay/failure';
import type { LogRecord } from '@overlay/model';
import { decodeRecord } from '../log-codec.js';
import { RecordFields } from '../record-fields.js';
import { type ExportHeader, parseHeader } from './export-header.js';

/** An export that was read. */
export interface ParsedExport {
  readonly header: ExportHeader;
  readonly records: readonly LogRecord[];
}

/**
 * Reads the lines that `exportLog` made.
 * @throws OverlayError `data_loss` naming the first line that cannot be read, or that lines are missing;
 * `failed_precondition` if the format is unknown.
 */
export async function parseExport(lines: AsyncIterable<string> | Iterable<string>): Promise<ParsedExport> {
  let header: ExportHeader | undefined;
  const records: LogRecord[] = [];
  for await (const line of lines) {
    if (header === undefined) header = parseHeader(line);
    else records.push(parseLine(line, records.length + 2));
  }
  if (header === undefined)
    throw new OverlayError('data_loss', 'the export is empty: not even its header is there');
  if (header.records !== records.length) {
    const message = `the export should have ${header.records} records and has ${records.length}`;
    throw new OverlayError('data_loss', `${message}: it is not whole; take another`);
  }
  return { header, records };
}

function parseLine(line: string, number: number): LogRecord {
  try {
    const fields = new RecordFields(JSON.parse(line));
    return decodeRecord(fields.text('key'), JSON.stringify(fields.value('record')));
  } catch (cause) {
    const reason = toOverlayError(cause).message;
    throw new OverlayError('data_loss', `line ${number} of the export cannot be read: ${reason}`, { cause });
  }
}
