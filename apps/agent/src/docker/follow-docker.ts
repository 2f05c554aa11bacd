import type { RegisterAgentResponse } from '@overlay/contracts';
import { toOverlayError } from '@overlay/failure';
import { backoffMs } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentMetrics } from '../agent-metrics.js';
import type { AgentState } from '../agent-state.js';
import { stayingNetworks } from '../configuration/deleted-networks.js';
import type { HostProgress } from '../configuration/network-progress.js';
import { type FailureCounts, type PassResult, planProgress } from '../configuration/plan-progress.js';
import { usesDocker } from './docker-half.js';
import { dockerPass } from './docker-pass.js';
import { type DockerPicture, NO_DOCKER } from './docker-picture.js';
import { type DockerRecord, DockerRecordFile, isSameRecord, NO_RECORD } from './docker-record-file.js';
import { planAway, planAwayPicture, planPicture } from './plan-docker-picture.js';
import { type DockerWants, planDockerWants } from './plan-docker-wants.js';

/** Changes within this time are looked at together. */
const GATHER_MS = 50;

/** What one round found. */
interface Round {
  readonly picture: DockerPicture;
  /** What stands in Docker, and comes back with it, also where it is not waited for. */
  readonly known: DockerRecord;
  readonly failures: FailureCounts;
  /** Why Docker did not answer; undefined if it did. */
  readonly away: string | undefined;
  readonly version: string;
}

/**
 * Keeps Docker's networks as the assignment wants them and the picture of its containers current, until the signal
 * aborts: at once when something changed, with backoff while Docker is away or attempts are left, and once in a
 * while besides. It runs beside the rest of the host's configuration, so that a Docker that hangs delays nothing.
 * A host that neither wants nor has a Docker network never asks for Docker. One that has some, but does not want them
 * any more, goes on asking: a Docker without a socket may be gone for good or not started yet. After a while nothing
 * waits for it any more.
 */
export async function followDocker(
  deps: LoopDeps,
  state: AgentState,
  metrics: AgentMetrics,
  signal: AbortSignal,
): Promise<void> {
  const { clock, config, logger, ports } = deps;
  const record = new DockerRecordFile(config.stateDir);
  let recorded = await readRecord(deps, record);
  let known = recorded;
  let picture: DockerPicture = { ...NO_DOCKER, ...known };
  let heardMs = clock.monotonicMs();
  let failures: FailureCounts = new Map();
  let waits = 0;
  let told: string | undefined;
  let last: RegisterAgentResponse | undefined;
  while (!signal.aborted) {
    const seen = state.dockerDue.count;
    const { registration } = state;
    const wants =
      registration === undefined ? undefined : planDockerWants(registration, config.network, state.progress);
    if (registration === undefined || wants === undefined || isIdle(wants, known)) {
      if (registration !== undefined) state.setDocker(picture);
      await state.dockerDue.after(seen, signal);
      continue;
    }
    if (registration !== last) failures = new Map();
    last = registration;
    const now = { registration, wants, picture, known, failures, heardMs };
    const round = await takeRound(deps, state, metrics, now, signal);
    if (signal.aborted) return;
    ({ picture, known, failures } = round);
    if (round.away === undefined) heardMs = clock.monotonicMs();
    waits = round.away === undefined ? 0 : waits + 1;
    if (told !== (round.away ?? '')) {
      told = round.away ?? '';
      if (told !== '') logger.warn({ event: 'docker_away', reason: told });
      else logger.info({ event: 'docker_reached', socket: ports.docker.socket, version: round.version });
    }
    recorded = await writeRecord(deps, record, recorded, known);
    state.setDocker(picture);
    if (await state.dockerDue.within(seen, nextRoundMs(deps, picture, waits), clock, signal)) {
      await clock.sleep(GATHER_MS, signal);
    }
  }
}

function isIdle({ overlays }: DockerWants, { standing }: DockerRecord): boolean {
  return overlays.length === 0 && standing.size === 0;
}

async function takeRound(
  deps: LoopDeps,
  state: AgentState,
  metrics: AgentMetrics,
  now: {
    readonly registration: RegisterAgentResponse;
    readonly wants: DockerWants;
    readonly picture: DockerPicture;
    readonly known: DockerRecord;
    readonly failures: FailureCounts;
    /** When Docker last answered, or the agent was started; of the monotonic clock. */
    readonly heardMs: number;
  },
  signal: AbortSignal,
): Promise<Round> {
  const { clock, config, logger, ports, timings } = deps;
  const { registration, wants, picture, known } = now;
  const wanted = new Set(wants.overlays.map(({ networkId }) => networkId));
  const networks = stayingNetworks(registration).filter(({ networkId }) => wanted.has(networkId));
  const progressOf = (results: ReadonlyMap<string, PassResult>) =>
    planProgress(networks, results, now.failures, config.maxConfigurationAttempts);
  try {
    const pass = await dockerPass(
      ports.docker,
      wants,
      known.adopted,
      () => metrics.dockerFailures.inc(),
      signal,
    );
    for (const change of pass.changes) logger.info({ ...change });
    for (const [dockerId, networkId] of pass.adopted) {
      if (known.adopted.get(dockerId) === networkId) continue;
      logger.info({ event: 'docker_network_adopted', networkId, dockerId });
    }
    const { progress, failures } = progressOf(pass.results);
    tellFailures(deps, state.docker, progress);
    const next = planPicture(picture, registration, wants, progress, pass, clock.nowMs());
    return { picture: next, known: next, failures, away: undefined, version: pass.version };
  } catch (thrown) {
    const awayMs = clock.monotonicMs() - now.heardMs;
    const gone = awayMs >= timings.dockerGoneMs;
    const expected = known.standing.size > 0 && (usesDocker(config.network) || !gone);
    const away = planAway(toOverlayError(thrown), ports.docker.socket, expected);
    if (!away.absent) metrics.dockerFailures.inc();
    const { progress, failures } = progressOf(new Map([...wanted].map((id) => [id, away.result])));
    const silent = awayMs >= timings.silentAfterMs;
    const next = planAwayPicture(picture, registration, progress, away, silent);
    const kept = away.replaced ? NO_RECORD : known;
    return { picture: next, known: kept, failures, away: away.reason, version: '' };
  }
}

function tellFailures({ logger }: LoopDeps, before: DockerPicture | undefined, progress: HostProgress): void {
  for (const [networkId, one] of progress) {
    if (one.kind !== 'failed' && one.kind !== 'retrying') continue;
    const last = before?.halves.get(networkId)?.progress;
    if (last?.kind === one.kind && last.error === one.error) continue;
    logger.error({ event: 'docker_network_failed', networkId, reason: one.error });
  }
}

/** Milliseconds until the next round. */
function nextRoundMs({ random, timings }: LoopDeps, { halves }: DockerPicture, waits: number): number {
  if (waits > 0) return backoffMs(waits - 1, timings.local, random);
  const failures = [...halves.values()].flatMap(({ progress }) =>
    progress.kind === 'retrying' ? [progress.failures] : [],
  );
  return failures.length > 0
    ? backoffMs(Math.max(...failures), timings.local, random)
    : timings.dockerResyncMs;
}

/** A damaged record is told, and made anew out of what Docker says. */
async function readRecord({ logger }: LoopDeps, record: DockerRecordFile): Promise<DockerRecord> {
  try {
    return await record.read();
  } catch (thrown) {
    logger.error({ event: 'docker_record_unreadable', reason: toOverlayError(thrown).message });
    return NO_RECORD;
  }
}

/** Resolves with what the file holds now; a write that fails is tried again in the next round. */
async function writeRecord(
  { logger }: LoopDeps,
  record: DockerRecordFile,
  written: DockerRecord,
  { standing, adopted }: DockerRecord,
): Promise<DockerRecord> {
  const now = { standing, adopted };
  if (isSameRecord(written, now)) return written;
  try {
    await record.write(now);
    return now;
  } catch (thrown) {
    logger.error({ event: 'docker_record_unwritable', reason: toOverlayError(thrown).message });
    return written;
  }
}
