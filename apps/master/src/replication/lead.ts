import { OverlayError } from '@overlay/failure';
import type { Mutation } from '@overlay/model';
import { type CommitOrder, type CommitRoom, inCommits, type Leadership, termOf } from '@overlay/overlay-log';
import { type LoadedCluster, loadCluster } from '../cluster/load-cluster.js';
import { planQuarantineEnds } from '../cluster/plan-agent-deletion.js';
import { planFinishedDeletions } from '../cluster/plan-network-removal.js';
import { planStartup } from '../cluster/plan-startup.js';
import type { PlannerState } from '../cluster/planner-state.js';
import { CommitLoop } from '../commit/commit-loop.js';
import { addressOfCandidate } from './leader-address.js';
import { reclaimAgents } from './reclaim-agents.js';
import { NOBODY_LEADS, type ReplicaDeps } from './replica-deps.js';

/** How often quarantines are ended although nothing else is committed, in milliseconds. */
const UPKEEP_MS = 15_000;

/**
 * Leads until leadership is lost, a commit fails, or the signal aborts: recovers the cluster from the log, writes
 * what the configuration adds to it, and takes commands. Gives leadership up in the end.
 * @throws OverlayError `failed_precondition` if configuration and log contradict each other, and what the log
 * throws.
 */
export async function lead(deps: ReplicaDeps, leadership: Leadership, signal: AbortSignal): Promise<void> {
  const { cluster, clock, logger } = deps;
  const stop = AbortSignal.any([signal, leadership.lost]);
  try {
    const loaded = await recovered(deps, leadership, signal);
    const { state, records, revision } = loaded;
    const term = termOf(leadership.fence);
    cluster.adopt(records, loaded);
    const commits = new CommitLoop(state, revision, {
      commit: (mutations, order) => commit(deps, leadership, mutations, order),
      isOver: () => leadership.isOver(),
      limits: deps.log,
      onCommitted: (mutations, committed) => cluster.apply(mutations, { revision: committed, term }),
      onAnswering: () => deps.failPoints.pass('before-reply'),
      upkeep: (planned, room) => upkeep(deps, planned, room),
      monotonicMs: () => clock.monotonicMs(),
    });
    cluster.lead(commits);
    deps.onRole(true);
    deps.readiness.clear('log');
    deps.readiness.clear('leader');
    logger.info({ event: 'leading', epoch: String(leadership.fence.epoch), agents: records.nodes.size });
    const failure = await lasts(deps, commits, stop);
    cluster.follow(addressOfCandidate(deps.candidate));
    deps.onRole(false);
    commits.end(new OverlayError('unavailable', 'this master stopped leading: try again'));
    if (failure === undefined && signal.aborted) {
      logger.info({ event: 'leading_ended', reason: 'this master stops' });
    } else {
      // A store that hangs tells late, or never, that nobody leads.
      if (cluster.leader === undefined) deps.readiness.block('leader', NOBODY_LEADS);
      logger.warn({ event: 'leading_ended', reason: failure?.message ?? 'leadership is lost' });
    }
  } finally {
    await leadership.resign();
  }
}

async function lasts(
  deps: ReplicaDeps,
  commits: CommitLoop,
  stop: AbortSignal,
): Promise<OverlayError | undefined> {
  let failure: OverlayError | undefined;
  const failed = new AbortController();
  void commits.failed.then((error) => {
    failure = error;
    failed.abort();
  });
  const ended = AbortSignal.any([stop, failed.signal]);
  while (!ended.aborted) {
    await deps.clock.sleep(UPKEEP_MS, ended);
    while (!ended.aborted && (await commits.tick()));
    if (!ended.aborted) await reclaimAgents(deps, ended);
  }
  return failure;
}

/** What is due without anybody's command. */
function upkeep(deps: ReplicaDeps, state: PlannerState, room: CommitRoom): readonly Mutation[] {
  const ended = planQuarantineEnds(state, deps.clock.monotonicMs(), room);
  if (ended.length > 0) return ended;
  return planFinishedDeletions(state, room);
}

/** Recovers the cluster and writes what the configuration adds to it. */
async function recovered(
  deps: ReplicaDeps,
  leadership: Leadership,
  signal: AbortSignal,
): Promise<LoadedCluster> {
  const { log, logger, clock, quarantineMs } = deps;
  const loaded = await loadCluster(log, quarantineMs, clock.monotonicMs(), signal);
  const { mutations, warnings } = planStartup(loaded.state, deps.configured, deps);
  for (const warning of warnings) logger.warn({ event: 'configuration_differs', warning });
  if (mutations.length === 0) return loaded;
  for (const part of inCommits(mutations, log)) await commit(deps, leadership, part);
  return loadCluster(log, quarantineMs, clock.monotonicMs(), signal);
}

async function commit(
  deps: ReplicaDeps,
  leadership: Leadership,
  mutations: readonly Mutation[],
  order?: CommitOrder,
): Promise<bigint> {
  if (leadership.isOver()) throw new OverlayError('aborted', 'leadership is lost: try again');
  const startedMs = deps.clock.monotonicMs();
  deps.failPoints.pass('before-commit');
  const revision = await deps.log.commit(mutations, leadership.fence, order);
  deps.failPoints.pass('after-commit');
  deps.onCommit(mutations.length, deps.clock.monotonicMs() - startedMs);
  return revision;
}
