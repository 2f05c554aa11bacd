import { type Mutation, parseNodeId } from '@overlay/model';
import type { OverlayLog } from '@overlay/overlay-log';
import { contents } from '../src/contract/log-steps.js';

/** A mutation that creates the claim of one node for a value. */
export function claim(value: string, node = 'n1'): Mutation {
  const record = { kind: 'claim', claim: { resource: 'block', value, nodeId: parseNodeId(node) } } as const;
  return { op: 'create', record };
}

/** The values of all claims in the log, sorted. */
export async function claimedValues(log: OverlayLog): Promise<readonly string[]> {
  const values: string[] = [];
  for (const record of (await contents(log)).records)
    if (record.kind === 'claim') values.push(record.claim.value);
  return values.toSorted();
}
