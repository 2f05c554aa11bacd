import { backoffMs } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentState } from '../agent-state.js';
import type { MasterLink } from '../registration/master-link.js';
import type { OtherMaster } from '../registration/other-masters.js';
import { reportAgent } from './report-agent.js';

/**
 * Reports to every master but the one whose session this is, until the signal aborts: reports are not persisted, and
 * so each master shows how the agents stand, whichever leads. What the others answer, and whether they answer at all,
 * changes nothing here.
 */
export async function reportToOthers(
  deps: LoopDeps,
  state: AgentState,
  others: readonly OtherMaster[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(others.map(({ link }) => reportFaithfully(deps, state, link, signal)));
}

async function reportFaithfully(
  deps: LoopDeps,
  state: AgentState,
  link: MasterLink,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, timings } = deps;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      await reportAgent(deps, state, link, signal, () => {
        failures = 0;
      });
    } catch {
      // The session with the leader tells of masters that are away.
      await clock.sleep(backoffMs(failures, timings.unreachable, random), signal);
    }
  }
}
