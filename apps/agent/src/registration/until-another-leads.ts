import { backoffMs } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { MasterLink } from './master-link.js';
import type { OtherMaster } from './other-masters.js';

/**
 * Waits until one of the other masters begins to lead: then the one whose session this is leads no more, although it
 * may not say so, because it hangs or its machine is gone without a word. What counts is that a master was seen to
 * begin: one that leads already may be the session's own by another name, or one that was paused and does not know yet
 * that it leads no more.
 * @returns its name; undefined when the signal aborts.
 */
export async function untilAnotherLeads(
  deps: LoopDeps,
  others: readonly OtherMaster[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = new AbortController();
  const ends = AbortSignal.any([signal, found.signal]);
  let leader: string | undefined;
  const watch = async ({ name, link }: OtherMaster): Promise<void> => {
    if (!(await beginsToLead(deps, link, ends))) return;
    leader ??= name;
    found.abort();
  };
  await Promise.all(others.map(watch));
  return leader;
}

/** @returns true once the master begins to lead, false when the signal aborts. */
async function beginsToLead(
  { clock, random, timings }: LoopDeps,
  link: MasterLink,
  signal: AbortSignal,
): Promise<boolean> {
  let followed = false;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      for await (const leads of link.watchLeading(signal)) {
        if (leads && followed) return true;
        followed ||= !leads;
        failures = 0;
      }
    } catch {
      // It is away, which is told where it matters: by the session with the leader.
    }
    await clock.sleep(backoffMs(failures, timings.unreachable, random), signal);
  }
  return false;
}
