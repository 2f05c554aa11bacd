import { refOf } from '@overlay/model';
import { encodeRecord } from '../log-codec.js';
import { keyOf } from '../log-keys.js';
import type { OverlayLog } from '../overlay-log.js';
import { encodeHeader } from './export-header.js';

/**
 * Yields the log at one revision as text, line by line and without line ends: a header with the format's version,
 * the revision, the time and the number of records; then each record with its key, sorted by key, as JSON. The same
 * log makes the same lines on every driver, but for the header. Nothing is yielded before all is read.
 * @param exportedAtMs the present time, for the header, as Unix milliseconds.
 * @throws OverlayError what `OverlayLog.load` throws, while iterating.
 */
export async function* exportLog(log: OverlayLog, exportedAtMs: number): AsyncIterable<string> {
  const { revision, records: batches } = await log.load();
  const entries: (readonly [key: string, text: string])[] = [];
  for await (const batch of batches) {
    for (const record of batch) entries.push([keyOf(refOf(record)), encodeRecord(record)]);
  }
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  yield encodeHeader({ revision, exportedAtMs, records: entries.length });
  for (const [key, text] of entries) yield `{"key":${JSON.stringify(key)},"record":${text}}`;
}
