import { describe, expect, it } from '@jest/globals';
import type { NodeId } from '@overlay/model';
import { createLogger } from '@overlay/service';
import { reclaimAgents } from './reclaim-agents.js';
import { leadingCluster } from './testing.js';

const never = new AbortController().signal;
const logger = createLogger('overlay-master', 'silent');
const AFTER_MS = 3_600_000;

/** A leader with three agents, of which the first has an open stream. */
function underTest() {
  const leading = leadingCluster(3);
  leading.cluster.connections.open('n0' as NodeId);
  const { cluster, clock } = leading;
  const reclaim = (signal = never, reclaimAfterMs: number | undefined = AFTER_MS) =>
    reclaimAgents({ cluster, logger, reclaimAfterMs }, signal);
  const left = () => [...cluster.records.nodes.keys()];
  clock.nowMs += 100_000;
  return { ...leading, reclaim, left };
}

describe('reclaimAgents', () => {
  it('deletes the agents that are away for too long, and those alone', async () => {
    const { cluster, clock, commits, reclaim, left } = underTest();
    await reclaim();
    expect(left()).toHaveLength(3);
    clock.nowMs += AFTER_MS;
    cluster.connections.noteSeen('n1' as NodeId);
    await reclaim();
    expect(left()).toEqual(['n0', 'n1']);
    expect(commits).toHaveLength(1);
    clock.nowMs += AFTER_MS + 1;
    await reclaim();
    expect(left()).toEqual(['n0']);
    cluster.close();
  });

  it('keeps everybody where no time is set', async () => {
    const { cluster, clock, left } = underTest();
    clock.nowMs += AFTER_MS;
    await reclaimAgents({ cluster, logger, reclaimAfterMs: undefined }, never);
    expect(left()).toHaveLength(3);
    cluster.close();
  });

  it('spares an agent that comes back while its deletion waits', async () => {
    const { cluster, clock, reclaim, left } = underTest();
    clock.nowMs += AFTER_MS;
    const reclaiming = reclaim();
    cluster.connections.open('n2' as NodeId);
    await reclaiming;
    expect(left()).toEqual(['n0', 'n2']);
    cluster.close();
  });

  it('stops when the term ends', async () => {
    const { cluster, clock, reclaim, left } = underTest();
    clock.nowMs += AFTER_MS;
    const term = new AbortController();
    const reclaiming = reclaim(term.signal);
    term.abort();
    await reclaiming;
    expect(left()).toEqual(['n0', 'n2']);
    cluster.close();
  });
});
