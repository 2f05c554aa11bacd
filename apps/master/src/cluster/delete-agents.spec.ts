import { describe, expect, it } from '@jest/globals';
import type { IpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import { leadingCluster } from '../replication/testing.js';
import { deleteAgents } from './delete-agents.js';
import { planRegistration } from './plan-registration.js';
import { requestOf } from './testing.js';

/** A leader of whose agents nobody counts as connected any more because it is new. */
function clusterOf(agents: number, onCommit?: (commits: number) => void) {
  const leading = leadingCluster(agents, onCommit);
  leading.clock.nowMs = 100_000;
  return leading;
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

  it('deletes each of them once, although some register again between its commits', async () => {
    const returns = (host: number, ip: IpAddress) =>
      cluster.submit((state) => {
        const plan = planRegistration(state, requestOf(`n${host}`, ip), { isConnected: () => false });
        return { mutations: plan.mutations, answer: () => plan.node };
      });
    const { cluster, ips } = clusterOf(82, (commits) => {
      if (commits === 0) queueMicrotask(() => ips.slice(0, 5).forEach((ip, host) => void returns(host, ip)));
    });
    const deleted = await deleteAgents(cluster, { ips, force: true });
    expect(deleted.map(({ ip }) => ip)).toEqual(ips);
    expect([...cluster.records.nodes.values()].map(({ ip }) => ip)).toEqual(ips.slice(0, 5));
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
