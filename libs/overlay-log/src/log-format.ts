import { OverlayError } from '@overlay/failure';

/** Key that the format's version stands under. */
export const FORMAT_KEY = 'meta/format';

/** Version of the log's format that this program reads and writes. */
export const LOG_FORMAT = '1';

/**
 * Checks the version that a log carries.
 * @throws OverlayError `failed_precondition` if it is another than this program's. The log is left as it is.
 */
export function requireKnownFormat(format: string, where: string): void {
  if (format === LOG_FORMAT) return;
  const message =
    `the overlay log in ${where} has format ${JSON.stringify(format)}, and this program knows format ${LOG_FORMAT} ` +
    'only; start the version that wrote the log, or export it there and import it here';
  throw new OverlayError('failed_precondition', message);
}
