import { type OverlayError, toOverlayError } from '@overlay/failure';
import type { Leadership } from '@overlay/overlay-log';
import { backoffMs } from '@overlay/rpc';
import { follow } from './follow.js';
import { lead } from './lead.js';
import { addressOfCandidate } from './leader-address.js';
import { NOBODY_LEADS, type ReplicaDeps } from './replica-deps.js';

const RETRY = { baseMs: 200, capMs: 5_000 };

/**
 * Keeps this master a replica of the cluster until the signal aborts: it follows the log while it campaigns, leads
 * once it is elected, and follows again when that ends. A log that cannot be reached is waited for, with the
 * reason in the readiness.
 * A master that has loaded the log once also waits for somebody to mend a damaged entry or to remove a foreign key.
 * @throws OverlayError what waiting cannot mend: a contradiction between configuration and log, a log that cannot
 * be read at the first time, wrong credentials.
 */
export async function replicate(deps: ReplicaDeps, signal: AbortSignal): Promise<void> {
  const watching = new AbortController();
  const leaders = watchLeader(deps, AbortSignal.any([signal, watching.signal]));
  try {
    let attempt = 0;
    while (!signal.aborted) {
      try {
        await oneTerm(deps, signal, () => {
          attempt = 0;
        });
      } catch (thrown) {
        const error = toOverlayError(thrown);
        if (signal.aborted) return;
        if (!passes(error) && !(deps.cluster.loaded && error.code === 'data_loss')) throw error;
        if (deps.readiness.block('log', error.message)) {
          deps.logger.warn({ event: 'log_unavailable', reason: error.message });
        }
        await deps.clock.sleep(backoffMs(attempt, RETRY, deps.random), signal);
        attempt += 1;
      }
    }
  } finally {
    watching.abort();
    await leaders;
  }
}

/** Follows until elected, then leads until that ends. */
async function oneTerm(deps: ReplicaDeps, signal: AbortSignal, onElected: () => void): Promise<void> {
  const term = new AbortController();
  const ends = AbortSignal.any([signal, term.signal]);
  const following = follow(deps, ends);
  const campaigning = deps.log.campaign(deps.candidate, ends);
  let leadership: Leadership;
  try {
    // Following ends by itself only with an error, which ends the campaign too.
    leadership = await Promise.race([campaigning, following.then(() => campaigning)]);
  } catch (error) {
    term.abort();
    await settled(campaigning.then((late) => late.resign()));
    await settled(following);
    throw error;
  }
  onElected();
  term.abort();
  await settled(following);
  await lead(deps, leadership, signal);
}

async function watchLeader(deps: ReplicaDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const candidate of deps.log.watchLeader(signal)) {
        deps.cluster.setLeader(candidate === undefined ? undefined : addressOfCandidate(candidate));
        if (candidate === undefined) deps.readiness.block('leader', NOBODY_LEADS);
        else deps.readiness.clear('leader');
      }
    } catch (thrown) {
      deps.logger.warn({ event: 'leader_unknown', reason: toOverlayError(thrown).message });
    }
    await deps.clock.sleep(RETRY.baseMs, signal);
  }
}

/** True for what time can mend. */
function passes(error: OverlayError): boolean {
  return error.code === 'unavailable' || error.code === 'aborted' || error.code === 'resource_exhausted';
}

async function settled(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch {
    return;
  }
}
