import type { AgentNetwork } from '@overlay/contracts';
import { backoffMs } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentMetrics } from '../agent-metrics.js';
import type { AgentState } from '../agent-state.js';
import { configurePass, FIRST_PASS, type PassMemory } from './configure-pass.js';
import { stayingNetworks } from './deleted-networks.js';
import type { HostProgress, NetworkProgress } from './network-progress.js';
import { exposedNetworks } from './open-networks.js';
import { type FailureCounts, planProgress } from './plan-progress.js';
import { type Removals, removeNetworks } from './remove-networks.js';

/**
 * Keeps the host configured as assigned, until the signal aborts: passes at once when something changed, with
 * backoff while a daemon is away or attempts are left, and once in a while for networks that failed for good. What is
 * left of deleted networks is removed again without another pass.
 */
export async function configureHost(
  deps: LoopDeps,
  state: AgentState,
  metrics: AgentMetrics,
  signal: AbortSignal,
): Promise<void> {
  const { clock, config, ports, readiness } = deps;
  let failures: FailureCounts = new Map();
  let memory = FIRST_PASS;
  let waits = 0;
  while (!signal.aborted) {
    const seen = state.reconfigure.count;
    const { registration } = state;
    if (registration === undefined) {
      await state.reconfigure.after(seen, signal);
      continue;
    }
    withdrawExposed(state, stayingNetworks(registration), memory);
    const end = metrics.updateDuration.startTimer();
    const isInDocker = (networkId: string) => state.isInDocker(networkId);
    const outcome = await configurePass(registration, config, ports, memory, isInDocker, signal);
    end();
    if (signal.aborted) return;
    memory = outcome;
    const away = outcome.dataplaneAway ?? outcome.ipamAway;
    waits = away === undefined ? 0 : waits + 1;
    if (away === undefined) state.countAttempt();
    const networks = stayingNetworks(registration);
    const plan = planProgress(networks, outcome.results, failures, config.maxConfigurationAttempts);
    failures = plan.failures;
    metrics.countFailures(outcome.results);
    for (const path of outcome.removedFiles) deps.logger.info({ event: 'cni_file_removed', path });
    logProgress(deps, networks, state.progress, plan.progress);
    state.setProgress(plan.progress);
    takeRemovals(deps, state, outcome);
    setReadiness(readiness, 'dataplane', outcome.dataplaneAway);
    if (outcome.dataplaneAway === undefined) {
      setReadiness(readiness, 'ipam', outcome.ipamAway);
      state.hostApplied.raise();
      state.poll.raise();
    }
    const delayMs = nextPassMs(plan.progress, waits, deps);
    const changed =
      delayMs === undefined
        ? await removeUntilChanged(deps, state, outcome, seen, signal).then(() => true)
        : await state.reconfigure.within(seen, delayMs, clock, signal);
    if (changed) failures = new Map();
  }
}

/** What became isolated is not configured any more until its isolation is enforced. */
function withdrawExposed(state: AgentState, networks: readonly AgentNetwork[], { open }: PassMemory): void {
  const progress = new Map(state.progress);
  const stale = exposedNetworks(networks, open).filter(
    ({ networkId }) => progress.get(networkId)?.kind === 'configured',
  );
  for (const { networkId } of stale) progress.set(networkId, { kind: 'pending' });
  if (stale.length > 0) state.setProgress(progress);
}

function takeRemovals({ logger }: LoopDeps, state: AgentState, { removed, notRemoved }: Removals): void {
  state.setRemoved(removed);
  for (const [networkId, reason] of notRemoved)
    logger.warn({ event: 'network_not_removed', networkId, reason });
}

/**
 * Resolves once the host has to be configured again. Until then what a pass could not remove of deleted networks is
 * removed again, after waits that grow to those of networks that failed for good: it costs overlay-dataplane a reading
 * of the whole kernel each time, which would never rest where an object cannot be removed.
 */
async function removeUntilChanged(
  deps: LoopDeps,
  state: AgentState,
  removals: Removals,
  seen: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock, ports, random, timings } = deps;
  const policy = { baseMs: timings.local.baseMs, capMs: timings.failedRetryMs };
  let { removed, notRemoved } = removals;
  for (let tries = 0; notRemoved.size > 0; tries += 1) {
    const changed = await state.reconfigure.within(seen, backoffMs(tries, policy, random), clock, signal);
    if (changed || signal.aborted) return;
    const left = [...notRemoved.keys()].filter((networkId) => !state.isInDocker(networkId));
    const again = await removeNetworks(left, ports.dataplane, signal);
    if (signal.aborted) return;
    removed = [...removed, ...again.removed];
    notRemoved = again.notRemoved;
    takeRemovals(deps, state, { removed, notRemoved });
  }
  await state.reconfigure.after(seen, signal);
}

/** Milliseconds until the next pass; undefined to wait for a change. */
function nextPassMs(progress: HostProgress, waits: number, deps: LoopDeps): number | undefined {
  const { timings, random } = deps;
  if (waits > 0) return backoffMs(waits - 1, timings.away, random);
  const all = [...progress.values()];
  const failures = all.flatMap((one) => (one.kind === 'retrying' ? [one.failures] : []));
  if (failures.length > 0) return backoffMs(Math.max(...failures), timings.local, random);
  return all.some(({ kind }) => kind === 'failed') ? timings.failedRetryMs : undefined;
}

function setReadiness(readiness: LoopDeps['readiness'], name: string, reason: string | undefined): void {
  if (reason === undefined) readiness.clear(name);
  else readiness.block(name, reason);
}

function logProgress(
  deps: LoopDeps,
  networks: readonly {
    readonly networkId: string;
    readonly network: { readonly name: string } | undefined;
  }[],
  before: HostProgress,
  after: HostProgress,
): void {
  for (const { networkId, network } of networks) {
    const is = after.get(networkId);
    if (is === undefined || describe(is) === describe(before.get(networkId))) continue;
    const entry = { networkId, network: network?.name, reason: reasonOf(is) };
    if (is.kind === 'configured') deps.logger.info({ event: 'network_configured', ...entry });
    else if (is.kind === 'failed') deps.logger.error({ event: 'network_failed', ...entry });
    else deps.logger.warn({ event: `network_${is.kind}`, ...entry });
  }
}

function describe(progress: NetworkProgress | undefined): string {
  return progress === undefined ? '' : `${progress.kind} ${reasonOf(progress) ?? ''}`;
}

function reasonOf(progress: NetworkProgress): string | undefined {
  switch (progress.kind) {
    case 'waiting':
      return progress.reason;
    case 'retrying':
    case 'failed':
      return progress.error;
    default:
      return undefined;
  }
}
