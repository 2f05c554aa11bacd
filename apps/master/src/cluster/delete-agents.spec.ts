import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import type { Mutation } from '@overlay/model';
import { CommitLoop } from '../commit/commit-loop.js';
import { Cluster } from './cluster.js';
import { deleteAgents } from './delete-agents.js';
import { planRegistration } from './plan-registration.js';
import { ETCD_LIMITS, networkOf, requestOf, stateWith } from './testing.js';

/** A leading master with so many agents, none of them connected. @param commit what becomes of its commits. */
function clusterOf(agents: number, commit: (commits: number) => void = () => undefined) {
  const state = stateWith([networkOf('dcos', ['9.0.0.0/8', 24])]);
  const ips = Array.from(
    { length: agents },
    (_, host) => requestOf('x', `10.0.${host >> 8}.${host & 255}`).ip,
  );
  for (const [host, ip] of ips.entries()) {
    state.apply(
      planRegistration(state, requestOf(`n${host}`, ip), { isConnected: () => false }).mutations,
      0,
    );
  }
  let nowMs = 0;
  const cluster = new Cluster({ vtepMacOuiText: '70:B3:D5:00:00:00', monotonicMs: () => nowMs });
  for (const node of state.records.nodes.values()) cluster.records.put({ kind: 'node', node });
  const commits: (readonly Mutation[])[] = [];
  cluster.lead(
    new CommitLoop(state, 0n, {
      commit: async (mutations) => {
        commit(commits.length);
        commits.push(mutations);
        return BigInt(commits.length);
      },
      isOver: () => false,
      limits: ETCD_LIMITS,
      onCommitted: (mutations) => cluster.records.apply(mutations),
      onAnswering: () => undefined,
      upkeep: () => [],
      monotonicMs: () => nowMs,
    }),
  );
  nowMs = 100_000; // nobody counts as connected because the leader is new
  return { cluster, commits, ips };
}

describe('deleteAgents', () => {
  it('deletes more agents than one commit holds, in several, and ignores who is unknown', async () => {
    const { cluster, commits, ips } = clusterOf(100);
    const strangers = [requestOf('x', '10.9.9.9').ip, ...ips.slice(0, 3)];
    const deleted = await deleteAgents(cluster, { ips: [...strangers, ...ips], force: false });
    expect(deleted.map(({ ip }) => ip)).toEqual(ips);
    expect(commits.map(({ length }) => length)).toEqual([123, 123, 54]);
    expect(cluster.records.nodes.size).toBe(0);
    expect(await deleteAgents(cluster, { ips, force: false })).toEqual([]);
    cluster.close();
  });

  it('deletes nobody if one of them is connected, wherever he stands in the list', async () => {
    const { cluster, commits, ips } = clusterOf(100);
    cluster.connections.open(requestOf('n99', '10.0.0.1').nodeId);
    const refused = deleteAgents(cluster, { ips, force: false });
    await expect(refused).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(refused).rejects.toThrow('10.0.0.99');
    expect(commits).toEqual([]);
    expect(await deleteAgents(cluster, { ips, force: true })).toHaveLength(100);
    cluster.close();
  });

  it('says how many are gone if it fails midway, and deletes the others when it is repeated', async () => {
    const { cluster, ips } = clusterOf(100, (commits) => {
      if (commits === 1) cluster.connections.open(requestOf('n90', '10.0.0.1').nodeId);
    });
    const failed = deleteAgents(cluster, { ips, force: false });
    await expect(failed).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(failed).rejects.toThrow(
      '82 of 100 agents were deleted, then: agents are connected: 10.0.0.90',
    );
    expect(await deleteAgents(cluster, { ips, force: true })).toHaveLength(18);
    cluster.close();
  });

  it('hands on why a commit failed, and whether any agent is gone', async () => {
    const { cluster, ips } = clusterOf(50, (commits) => {
      if (commits === 1) throw new OverlayError('unavailable', 'the store is gone');
    });
    const failed = deleteAgents(cluster, { ips, force: false });
    await expect(failed).rejects.toMatchObject({ code: 'unavailable' });
    await expect(failed).rejects.toThrow('41 of 50 agents were deleted, then: the store is gone');
    cluster.close();
  });
});
