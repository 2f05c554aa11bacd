import type { Mutation, NetworkId } from '@overlay/model';
import type { OverlayLog } from '@overlay/overlay-log';
import { createLogger, type Logger, Readiness, systemClock } from '@overlay/service';
import { Cluster } from '../cluster/cluster.js';
import { ClusterRecords } from '../cluster/cluster-records.js';
import { diffRecords } from '../cluster/diff-records.js';
import { planRegistration } from '../cluster/plan-registration.js';
import { DEFAULT_SPACE, ETCD_LIMITS, networkOf, requestOf, stateWith } from '../cluster/testing.js';
import { CommitLoop } from '../commit/commit-loop.js';
import { NO_FAIL_POINTS } from '../commit/fail-points.js';
import type { ReplicaDeps } from './replica-deps.js';

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
  const loaded = new ClusterRecords();
  loaded.apply(diffRecords(loaded, state.records));
  cluster.adopt(loaded, { revision: 0n, term: '' });
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

/** What a replica on `log` lives on, and the events that it logs. */
export function replicaOn(log: OverlayLog, more: Partial<ReplicaDeps> = {}) {
  const events: object[] = [];
  const note = (level: string) => (event: object) => void events.push({ level, ...event });
  const logger: Logger = Object.assign(createLogger('overlay-master', 'silent'), {
    info: note('info'),
    warn: note('warn'),
  });
  const monotonicMs = () => systemClock.monotonicMs();
  const deps: ReplicaDeps = {
    log,
    cluster: new Cluster({ vtepMacOuiText: '70:B3:D5:00:00:00', monotonicMs }),
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
    onRole: () => undefined,
    onCommit: () => undefined,
    ...more,
  };
  return { deps, events };
}
