import { describe, expect, it } from '@jest/globals';
import type { NetworkId } from '@overlay/model';
import { MemoryOverlayLog } from '@overlay/overlay-log/testing';
import { createLogger, type Logger, Readiness, systemClock } from '@overlay/service';
import { Cluster } from '../cluster/cluster.js';
import { DEFAULT_SPACE, networkOf } from '../cluster/testing.js';
import { NO_FAIL_POINTS } from '../commit/fail-points.js';
import { lead } from './lead.js';

/** Leads a log until `end` is called; the events that are logged. */
async function underTest(end: (log: MemoryOverlayLog, stop: AbortController) => void) {
  const log = new MemoryOverlayLog();
  const stop = new AbortController();
  const events: unknown[] = [];
  const note = (level: string) => (event: object) => void events.push({ level, ...event });
  const logger: Logger = Object.assign(createLogger('overlay-master', 'silent'), {
    info: note('info'),
    warn: note('warn'),
  });
  const cluster = new Cluster({
    vtepMacOuiText: '70:B3:D5:00:00:00',
    monotonicMs: () => systemClock.monotonicMs(),
  });
  const leadership = await log.campaign('a:1#x', stop.signal);
  await lead(
    {
      log,
      cluster,
      configured: { addressSpace: DEFAULT_SPACE, networks: [networkOf('dcos', ['9.0.0.0/8', 24])] },
      adoptNetworks: false,
      newNetworkId: () => 'n' as NetworkId,
      candidate: 'a:1#x',
      quarantineMs: 0,
      reclaimAfterMs: undefined,
      clock: systemClock,
      logger,
      readiness: new Readiness(),
      failPoints: NO_FAIL_POINTS,
      random: () => 0,
      onRole: (leads) => {
        if (leads) queueMicrotask(() => end(log, stop));
      },
      onCommit: () => undefined,
    },
    leadership,
    stop.signal,
  );
  cluster.close();
  await log.close();
  return events.at(-1);
}

describe('lead', () => {
  it('tells that it ends because the master stops', async () => {
    expect(await underTest((_, stop) => stop.abort())).toEqual({
      level: 'info',
      event: 'leading_ended',
      reason: 'this master stops',
    });
  });

  it('warns that leadership is lost', async () => {
    expect(await underTest((log) => log.store.lead.abort())).toEqual({
      level: 'warn',
      event: 'leading_ended',
      reason: 'leadership is lost',
    });
  });
});
