import type { BackoffPolicy } from '@overlay/rpc';

/** How long the agent waits between tries. */
export interface AgentTimings {
  /** Between rounds over the masters that nobody answered. */
  readonly unreachable: BackoffPolicy;
  /** Between rounds in which masters named a leader that is gone: they elect another within seconds. */
  readonly electing: BackoffPolicy;
  /** Between rounds in which a master refused the node. */
  readonly rejected: BackoffPolicy;
  /** Between calls of overlay-dataplane or overlay-ipam while it is down: to look at its socket costs next to nothing. */
  readonly away: BackoffPolicy;
  /** Between other calls of a local daemon that failed, and between attempts to configure a network. */
  readonly local: BackoffPolicy;
  /** Until networks that failed for good are tried once more. */
  readonly failedRetryMs: number;
  /** Until Docker is looked at again although nothing was heard of it. */
  readonly dockerResyncMs: number;
  /** Until a Docker that is not wanted any more, and has no socket, is taken for gone: at boot it starts after the agent. */
  readonly dockerGoneMs: number;
  /** Until a daemon that gives out addresses and does not answer is told of: a restart is no reason to. */
  readonly silentAfterMs: number;
  /** Longest wait for a master's answer. */
  readonly masterCallMs: number;
}

/** The waits of a real host. */
export const AGENT_TIMINGS: AgentTimings = {
  unreachable: { baseMs: 250, capMs: 10_000 },
  electing: { baseMs: 1_000, capMs: 1_000 },
  rejected: { baseMs: 5_000, capMs: 30_000 },
  away: { baseMs: 250, capMs: 1_000 },
  local: { baseMs: 250, capMs: 5_000 },
  failedRetryMs: 60_000,
  dockerResyncMs: 30_000,
  dockerGoneMs: 300_000,
  silentAfterMs: 40_000,
  masterCallMs: 10_000,
};
