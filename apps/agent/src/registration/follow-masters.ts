import { isFailure, type OverlayError, toOverlayError } from '@overlay/failure';
import { formatListenAddress, type MasterAddress, parseListenAddress } from '@overlay/model';
import { backoffMs } from '@overlay/rpc';
import { untilAddressMoves } from '../identity/until-address-moves.js';
import { runMasterSession, type SessionDeps } from './master-session.js';

/** How a session with one master ended. */
interface SessionEnd {
  /** Whether the master had accepted the node. */
  readonly registered: boolean;
  /** Whether it was ended because the host has another address now. */
  readonly moved: boolean;
  readonly error: OverlayError;
}

/** How a try at a master ended. */
interface TryEnd extends SessionEnd {
  /** Whether the session was with the leader that the master named. */
  readonly pointed: boolean;
}

/** A session that lived this long broke for a new reason: waiting starts at its shortest again. */
const HEALTHY_SESSION_MS = 10_000;

/**
 * Keeps a session with a master, for ever, until the signal aborts: tries every configured master in turn, the
 * one that it points to as leader right after it, and waits with full jitter after each round in vain: longer each
 * time, but not while masters name a leader that is gone, for they are about to elect another. A node that is refused
 * keeps trying too, more slowly: the reason may go away. When the host gets another address it begins anew at once.
 */
export async function followMasters(
  shared: Omit<SessionDeps, 'session'>,
  signal: AbortSignal,
): Promise<void> {
  const deps: SessionDeps = { ...shared, session: shared.loop.newNodeId() };
  const { clock, config, logger, random, timings } = deps.loop;
  let next = 0;
  let failures = 0;
  let briefSessions = 0;
  const told = new Map<string, string>();
  while (!signal.aborted) {
    let refused = false;
    let registered = false;
    let moved = false;
    let leaderGone = false;
    const startedMs = clock.monotonicMs();
    for (
      let tried = 0;
      tried < config.masters.length && !registered && !moved && !signal.aborted;
      tried += 1
    ) {
      const master = config.masters[next % config.masters.length];
      if (master === undefined) return;
      const end = await tryMaster(deps, master, told, signal);
      if (signal.aborted) return;
      registered = end.registered;
      moved = end.moved;
      refused ||= isRefusal(end.error);
      leaderGone ||= end.pointed && end.error.code === 'unavailable';
      // A master that is gone with its machine refuses nothing: another knows who leads now, be it the same again.
      if (!moved && !(registered && end.pointed)) next += 1;
    }
    const nearest = config.masters[next % config.masters.length];
    if (nearest === undefined) return;
    let policy = refused ? timings.rejected : timings.unreachable;
    if (registered) {
      failures = 0;
      briefSessions = clock.monotonicMs() - startedMs > HEALTHY_SESSION_MS ? 0 : briefSessions + 1;
    } else if (leaderGone && !refused) {
      failures = 1;
      policy = timings.electing;
    } else {
      failures += 1;
    }
    const pauseMs = backoffMs(Math.max(0, (registered ? briefSessions : failures) - 1), policy, random);
    moved ||= await movesWithin(deps, nearest, pauseMs, signal);
    if (!moved) continue;
    failures = 0;
    briefSessions = 0;
    logger.warn({ event: 'underlay_moved', reason: 'the host has another address: register anew' });
  }
}

/** Waits for so long, or until the host gets another address. @returns whether it did. */
async function movesWithin(
  { loop }: SessionDeps,
  master: MasterAddress,
  durationMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (loop.config.ip !== undefined) {
    await loop.clock.sleep(durationMs, signal);
    return false;
  }
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  const moves = untilAddressMoves(master, loop, ends);
  const moved = await Promise.race([moves, loop.clock.sleep(durationMs, ends).then(() => false)]);
  over.abort();
  return moved;
}

/** A session with a master, or with the leader it names instead. */
async function tryMaster(
  deps: SessionDeps,
  master: MasterAddress,
  told: Map<string, string>,
  signal: AbortSignal,
): Promise<TryEnd> {
  const end = await session(deps, master, told, signal);
  const leader = end.registered ? undefined : leaderOf(end.error);
  if (leader === undefined || end.moved || signal.aborted) return { ...end, pointed: false };
  return { ...(await session(deps, leader, told, signal)), pointed: true };
}

/** @param told what the log says of each master already, so that an outage costs one line */
async function session(
  deps: SessionDeps,
  master: MasterAddress,
  told: Map<string, string>,
  signal: AbortSignal,
): Promise<SessionEnd> {
  const { logger, readiness } = deps.loop;
  const name = formatListenAddress({ kind: 'tcp', ...master });
  let registered = false;
  const moved = new AbortController();
  const over = new AbortController();
  if (deps.loop.config.ip === undefined) {
    void untilAddressMoves(master, deps.loop, AbortSignal.any([signal, over.signal])).then((moves) => {
      if (moves) moved.abort();
    });
  }
  try {
    await runMasterSession(
      deps,
      master,
      () => {
        registered = true;
        told.clear();
        deps.state.setRejection(undefined);
        readiness.clear('registration');
        logger.info({ event: 'registered', master: name });
      },
      AbortSignal.any([signal, moved.signal]),
    );
  } catch (thrown) {
    const error = toOverlayError(thrown);
    if (moved.signal.aborted) return { registered, moved: true, error };
    deps.metrics.pollErrors.inc();
    if (!signal.aborted) tell(deps, name, registered, error, told);
    return { registered, moved: false, error };
  } finally {
    over.abort();
  }
  const error = toOverlayError(new Error('the session was ended from here'));
  return { registered, moved: moved.signal.aborted, error };
}

function tell(
  deps: SessionDeps,
  master: string,
  registered: boolean,
  error: OverlayError,
  told: Map<string, string>,
): void {
  const { logger, readiness } = deps.loop;
  const reason = `${master}: ${error.message}`;
  if (registered && !isRefusal(error)) {
    logger.warn({ event: 'master_lost', master, reason: error.message });
  } else if (isRefusal(error)) {
    readiness.block('registration', reason);
    if (deps.state.rejection === reason) return;
    deps.state.setRejection(reason);
    logger.error({ event: 'registration_refused', master, code: error.code, reason: error.message });
  } else {
    const level = told.get(master) === error.message ? 'debug' : 'warn';
    told.set(master, error.message);
    logger[level]({ event: 'master_unreachable', master, reason: error.message });
    if (deps.state.registration === undefined && deps.state.rejection === undefined) {
      readiness.block('registration', `no master has answered yet; the last try was ${reason}`);
    }
  }
}

/** Whether a master refused the node, in a way that trying again at once cannot change. */
function isRefusal(error: OverlayError): boolean {
  switch (error.code) {
    case 'invalid_argument':
    case 'already_exists':
    case 'resource_exhausted':
    case 'failed_precondition':
    case 'unauthenticated':
    case 'permission_denied':
    case 'unimplemented':
      return true;
    default:
      return false;
  }
}

function leaderOf(error: OverlayError): MasterAddress | undefined {
  if (error.code !== 'unavailable' || error.leader === undefined) return undefined;
  try {
    const address = parseListenAddress(error.leader);
    return address.kind === 'tcp' ? { host: address.host, port: address.port } : undefined;
  } catch (thrown) {
    if (isFailure(thrown, 'invalid_argument')) return undefined;
    throw thrown;
  }
}
