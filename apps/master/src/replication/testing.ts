import type { Mutation } from '@overlay/model';
import { Cluster } from '../cluster/cluster.js';
import { planRegistration } from '../cluster/plan-registration.js';
import { ETCD_LIMITS, networkOf, requestOf, stateWith } from '../cluster/testing.js';
import { CommitLoop } from '../commit/commit-loop.js';

/**
 * A leading master with agents `n0`, `n1`, …, none of them connected.
 * @param onCommit called with the number of commits before each one, which fails with what it throws.
 */
export function leadingCluster(agents: number, onCommit: (commits: number) => void = () => undefined) {
  const state = stateWith([networkOf('dcos', ['9.0.0.0/8', 24])]);
  const ips = Array.from(
    { length: agents },
    (_, host) => requestOf('x', `10.0.${host >> 8}.${host & 255}`).ip,
  );
  for (const [host, ip] of ips.entries()) {
    const plan = planRegistration(state, requestOf(`n${host}`, ip), { isConnected: () => false });
    state.apply(plan.mutations, 0);
  }
  const clock = { nowMs: 0 };
  const monotonicMs = () => clock.nowMs;
  const cluster = new Cluster({ vtepMacOuiText: '70:B3:D5:00:00:00', monotonicMs });
  for (const node of state.records.nodes.values()) cluster.records.put({ kind: 'node', node });
  const commits: (readonly Mutation[])[] = [];
  const loop = new CommitLoop(state, 0n, {
    commit: async (mutations) => {
      onCommit(commits.length);
      commits.push(mutations);
      return BigInt(commits.length);
    },
    isOver: () => false,
    limits: ETCD_LIMITS,
    onCommitted: (mutations) => cluster.records.apply(mutations),
    onAnswering: () => undefined,
    upkeep: () => [],
    monotonicMs,
  });
  cluster.lead(loop);
  return { cluster, commits, ips, clock };
}
