import { describe, expect, it } from '@jest/globals';
import { MemoryOverlayLog } from '@overlay/overlay-log/testing';
import { lead } from './lead.js';
import { replicaOn } from './testing.js';

/** Leads a log until `end` ends it; the last event that is logged. */
async function lastEvent(end: (log: MemoryOverlayLog, stop: AbortController) => void) {
  const log = new MemoryOverlayLog();
  const stop = new AbortController();
  const { deps, events } = replicaOn(log, {
    onRole: (leads) => {
      if (leads) queueMicrotask(() => end(log, stop));
    },
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

  it('warns that leadership is lost', async () => {
    expect(await lastEvent((log) => log.store.lead.abort())).toEqual({
      level: 'warn',
      event: 'leading_ended',
      reason: 'leadership is lost',
    });
  });
});
