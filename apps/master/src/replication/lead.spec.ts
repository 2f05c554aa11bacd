import { describe, expect, it } from '@jest/globals';
import { MemoryOverlayLog } from '@overlay/overlay-log/testing';
import { Readiness } from '@overlay/service';
import { lead } from './lead.js';
import type { ReplicaDeps } from './replica-deps.js';
import { replicaOn } from './testing.js';

/** Leads a log until `end` ends it; the last event that is logged. */
async function lastEvent(
  end: (log: MemoryOverlayLog, stop: AbortController) => void,
  more: Partial<ReplicaDeps> = {},
) {
  const log = new MemoryOverlayLog();
  const stop = new AbortController();
  const { deps, events } = replicaOn(log, {
    onRole: (leads) => {
      if (leads) queueMicrotask(() => end(log, stop));
    },
    ...more,
  });
  await lead(deps, await log.campaign(deps.candidate, stop.signal), stop.signal);
  deps.cluster.close();
  await log.close();
  return events.at(-1);
}

describe('lead', () => {
  it('tells that it ends because the master stops', async () => {
    expect(await lastEvent((_, stop) => stop.abort())).toEqual({
      level: 'info',
      event: 'leading_ended',
      reason: 'this master stops',
    });
  });

  it('warns that leadership is lost, and is not ready until somebody leads', async () => {
    const readiness = new Readiness();
    readiness.block('leader', 'as before the election');
    const whileLeading: (readonly string[])[] = [];
    const lose = (log: MemoryOverlayLog) => {
      whileLeading.push(readiness.reasons());
      log.store.lead.abort();
    };
    expect(await lastEvent(lose, { readiness })).toEqual({
      level: 'warn',
      event: 'leading_ended',
      reason: 'leadership is lost',
    });
    expect(whileLeading).toEqual([[]]);
    expect(readiness.reasons()).toEqual(['leader: no master leads: writes have to wait']);
  });
});
