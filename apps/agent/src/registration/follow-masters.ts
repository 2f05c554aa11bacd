import { isFailure, type OverlayError, toOverlayError } from '@overlay/failure';
import { formatListenAddress, type MasterAddress, parseListenAddress } from '@overlay/model';
import { backoffMs } from '@overlay/rpc';
import { runMasterSession, type SessionDeps } from './master-session.js';

/** How a session with one master ended. */
interface SessionEnd {
  /** Whether the master had accepted the node. */
  readonly registered: boolean;
  readonly error: OverlayError;
}

/** A session that lived this long broke for a new reason: waiting starts at its shortest again. */
const HEALTHY_SESSION_MS = 10_000;

/**
 * Keeps a session with a master, for ever, until the signal aborts: tries every configured master in turn, the
 * one that it points to as leader right after it, and waits with full jitter after each round in vain. A node
 * that is refused keeps trying too, more slowly: the reason may go away.
 */
export async function followMasters(deps: SessionDeps, signal: AbortSignal): Promise<void> {
  const { clock, config, random, timings } = deps.loop;
  let next = 0;
  let failures = 0;
  const told = new Map<string, string>();
  while (!signal.aborted) {
    let refused = false;
    let registered = false;
    const startedMs = clock.monotonicMs();
    for (let tried = 0; tried < config.masters.length && !registered && !signal.aborted; tried += 1) {
      const master = config.masters[next % config.masters.length];
      if (master === undefined) return;
      const end = await tryMaster(deps, master, told, signal);
      if (signal.aborted) return;
      registered = end.registered;
      refused ||= isRefusal(end.error);
      // A master that had accepted the node is asked first again: most often it only restarts.
      if (!registered) next += 1;
    }
    const healthy = registered && clock.monotonicMs() - startedMs > HEALTHY_SESSION_MS;
    const policy = refused ? timings.rejected : timings.unreachable;
    failures = healthy ? 0 : failures + 1;
    await clock.sleep(backoffMs(Math.max(0, failures - 1), policy, random), signal);
  }
}

/** A session with a master, or with the leader it names instead. */
async function tryMaster(
  deps: SessionDeps,
  master: MasterAddress,
  told: Map<string, string>,
  signal: AbortSignal,
): Promise<SessionEnd> {
  const end = await session(deps, master, told, signal);
  const leader = end.registered ? undefined : leaderOf(end.error);
  return leader === undefined || signal.aborted ? end : session(deps, leader, told, signal);
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
      signal,
    );
  } catch (thrown) {
    const error = toOverlayError(thrown);
    deps.metrics.pollErrors.inc();
    if (!signal.aborted) tell(deps, name, registered, error, told);
    return { registered, error };
  }
  return { registered, error: toOverlayError(new Error('the agent is stopping')) };
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
