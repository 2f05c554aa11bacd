import type { WatchTopologyRequest } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { MasterAddress } from '@overlay/model';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentMetrics } from '../agent-metrics.js';
import type { AgentState } from '../agent-state.js';
import { answerProbes } from '../probe/answer-probes.js';
import type { Prober } from '../probe/prober.js';
import { reportAgent } from '../report/report-agent.js';
import { reportToOthers } from '../report/report-to-others.js';
import { outdatesRegistration } from '../topology/outdates-registration.js';
import { TopologyIntake } from '../topology/topology-intake.js';
import type { TopologyStore } from '../topology/topology-store.js';
import { untilAborted } from '../until-aborted.js';
import type { AssignmentFile } from './assignment-file.js';
import type { MasterLink } from './master-link.js';
import { connectOthers, type OtherMaster } from './other-masters.js';
import { registerAgent } from './register-agent.js';
import { untilAnotherLeads } from './until-another-leads.js';

/** What a session works on. */
export interface SessionDeps {
  readonly loop: LoopDeps;
  readonly state: AgentState;
  readonly metrics: AgentMetrics;
  readonly store: TopologyStore;
  readonly file: AssignmentFile;
  /** Random text by which the masters know this process again when the host moves to another address. */
  readonly session: string;
  readonly prober: Prober;
}

interface Master {
  readonly address: MasterAddress;
  readonly link: MasterLink;
  readonly session: string;
}

/** Shortest time between two registrations that a running session makes. */
const REGISTER_AGAIN_GAP_MS = 500;

/**
 * One conversation with one master: registers, then watches its topology, reports, and registers again when
 * asked, until one of these breaks, another master begins to lead, or the signal aborts.
 * @param onRegistered called once the master has accepted the node
 * @throws OverlayError why it broke. It always does, except when the signal aborts.
 */
export async function runMasterSession(
  deps: SessionDeps,
  address: MasterAddress,
  onRegistered: () => void,
  signal: AbortSignal,
): Promise<void> {
  const link = deps.loop.connectMaster(address);
  const others = connectOthers(deps.loop, address);
  const ended = new AbortController();
  const end = () => ended.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const master = { address, link, session: deps.session };
  try {
    const asked = deps.state.registerAgain.count;
    await register(deps, master, ended.signal);
    onRegistered();
    const parts = [
      watchTopology(deps, link, ended.signal),
      reportAgent(deps.loop, deps.state, link, ended.signal, (registerAgain) => {
        if (registerAgain) deps.state.registerAgain.raise();
      }),
      reportToOthers(deps.loop, deps.state, others, ended.signal).then(() => untilAborted(ended.signal)),
      leaveLateLeader(deps.loop, others, ended.signal),
      registerWhenAsked(deps, master, asked, ended.signal),
      answerProbes(deps.loop, deps.prober, link, ended.signal),
    ];
    try {
      await Promise.race(parts);
    } finally {
      end();
      await Promise.allSettled(parts);
    }
  } finally {
    signal.removeEventListener('abort', end);
    deps.state.setConnected(false);
    for (const each of [link, ...others.map((other) => other.link)]) each.close();
  }
}

/** @throws OverlayError `unavailable` once another master leads: this one may never say that it does not. */
async function leaveLateLeader(
  deps: LoopDeps,
  others: readonly OtherMaster[],
  signal: AbortSignal,
): Promise<void> {
  const leader = await untilAnotherLeads(deps, others, signal);
  if (leader !== undefined) throw new OverlayError('unavailable', `${leader} leads now`);
  await untilAborted(signal);
}

async function register(deps: SessionDeps, master: Master, signal: AbortSignal): Promise<void> {
  await registerAgent(deps.loop, deps.state, deps.metrics, deps.file, master, signal);
}

async function registerWhenAsked(
  deps: SessionDeps,
  master: Master,
  asked: number,
  signal: AbortSignal,
): Promise<void> {
  const { registerAgain } = deps.state;
  const { clock } = deps.loop;
  let answered = asked;
  let lastMs = clock.monotonicMs();
  while (!signal.aborted) {
    await registerAgain.after(answered, signal);
    const gapMs = lastMs + REGISTER_AGAIN_GAP_MS - clock.monotonicMs();
    if (gapMs > 0) await clock.sleep(gapMs, signal);
    answered = registerAgain.count;
    if (!signal.aborted) await register(deps, master, signal);
    lastMs = clock.monotonicMs();
  }
}

async function watchTopology(deps: SessionDeps, link: MasterLink, signal: AbortSignal): Promise<void> {
  const { state, store } = deps;
  const unfollow = store.follow(({ changes }) => {
    const { registration } = state;
    if (registration !== undefined && outdatesRegistration(registration, changes))
      state.registerAgain.raise();
  });
  try {
    await followFrames(deps, link, { fromRevision: store.revision ?? 0n, fromTerm: store.term }, signal);
  } finally {
    unfollow();
  }
}

async function followFrames(
  deps: SessionDeps,
  link: MasterLink,
  from: Omit<WatchTopologyRequest, 'nodeId'>,
  signal: AbortSignal,
): Promise<void> {
  const { loop, state, store } = deps;
  const intake = new TopologyIntake(store, from.fromRevision);
  for await (const { frame, stale } of link.watchTopology({ nodeId: loop.nodeId, ...from }, signal)) {
    if (signal.aborted) return;
    if (frame === undefined) continue;
    state.setConnected(true);
    const outcome = await intake.accept(frame);
    if (outcome === 'diverged') {
      loop.logger.warn({ event: 'topology_diverged', stored: `${store.revision}`, got: `${frame.revision}` });
      return followFrames(deps, link, { fromRevision: 0n }, signal);
    }
    if (outcome === 'synced') {
      loop.readiness.clear('topology');
      if (state.setTopologyStale(stale)) {
        loop.logger.warn({
          event: stale === '' ? 'topology_current_again' : 'topology_stale',
          reason: stale,
        });
      }
      loop.logger.info({ event: 'topology_synced', revision: `${frame.revision}`, peers: store.peerCount });
    }
  }
  if (!signal.aborted) throw new OverlayError('unavailable', 'the master ended the topology stream');
}
