import { OverlayError, toOverlayError } from '@overlay/failure';
import { LOG_FORMAT } from '../log-format.js';
import { RecordFields } from '../record-fields.js';

/** What the first line of an export says. */
export interface ExportHeader {
  /** Revision of the log that was exported. */
  readonly revision: bigint;
  /** When, as Unix milliseconds. */
  readonly exportedAtMs: number;
  /** How many records follow, one a line; fewer means that the file was cut off. */
  readonly records: number;
}

const KIND = 'overlay-log';

/** The first line of an export, without its end. */
export function encodeHeader({ revision, exportedAtMs, records }: ExportHeader): string {
  return JSON.stringify({
    export: KIND,
    format: LOG_FORMAT,
    revision: String(revision),
    exportedAt: new Date(exportedAtMs).toISOString(),
    records,
  });
}

/**
 * Reads the first line of an export.
 * @throws OverlayError `data_loss` if it is none, `failed_precondition` if the export's format is unknown.
 */
export function parseHeader(line: string): ExportHeader {
  const { format, header } = readHeader(line);
  if (format === LOG_FORMAT) return header();
  const message =
    `the export has format ${JSON.stringify(format)}, and this program knows format ${LOG_FORMAT} only; ` +
    'import it with the version that wrote it';
  throw new OverlayError('failed_precondition', message);
}

/** The rest of the header is read only when the format is known. */
function readHeader(line: string): { readonly format: string; readonly header: () => ExportHeader } {
  const attempt = <T>(read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      const reason = toOverlayError(cause).message;
      const message = `line 1 is not the first line of an export of an overlay log: ${reason}`;
      throw new OverlayError('data_loss', message, { cause });
    }
  };
  return attempt(() => {
    const fields = new RecordFields(JSON.parse(line));
    fields.oneOf('export', [KIND]);
    const header = (): ExportHeader => ({
      revision: BigInt(fields.text('revision')),
      exportedAtMs: Date.parse(fields.text('exportedAt')),
      records: fields.integer('records'),
    });
    return { format: fields.text('format'), header: () => attempt(header) };
  });
}
