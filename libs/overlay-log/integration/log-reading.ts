import type { LogRecord, Mutation } from '@overlay/model';
import { parseNodeId } from '@overlay/model';
import type { LogChange, OverlayLog } from '@overlay/overlay-log';

/** A mutation that creates the claim of one node for a value. */
export function claim(value: string, node = 'n1'): Mutation {
  const record = { kind: 'claim', claim: { resource: 'block', value, nodeId: parseNodeId(node) } } as const;
  return { op: 'create', record };
}

/** The values of all claims in the log, sorted. */
export async function claimedValues(log: OverlayLog): Promise<readonly string[]> {
  const values: string[] = [];
  for (const record of await allRecords(log)) if (record.kind === 'claim') values.push(record.claim.value);
  return values.toSorted();
}

/** Everything in the log. */
export async function allRecords(log: OverlayLog): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of (await log.load()).records) records.push(...batch);
  return records;
}

/** The next changes after a revision. */
export async function takeChanges(
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
