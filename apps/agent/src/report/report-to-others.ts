import { formatListenAddress, type MasterAddress } from '@overlay/model';
import { backoffMs } from '@overlay/rpc';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentState } from '../agent-state.js';
import { reportAgent } from './report-agent.js';

/**
 * Reports to every configured master but the one whose session this is, until the signal aborts: reports are not
 * persisted, and so each master shows how the agents stand, whichever leads. What the others answer, and whether
 * they answer at all, changes nothing here.
 */
export async function reportToOthers(
  deps: LoopDeps,
  state: AgentState,
  own: MasterAddress,
  signal: AbortSignal,
): Promise<void> {
  const others = deps.config.masters.filter((master) => nameOf(master) !== nameOf(own));
  await Promise.all(others.map((master) => reportFaithfully(deps, state, master, signal)));
}

async function reportFaithfully(
  deps: LoopDeps,
  state: AgentState,
  master: MasterAddress,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, timings } = deps;
  const link = deps.connectMaster(master);
  try {
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
  } finally {
    link.close();
  }
}

function nameOf(master: MasterAddress): string {
  return formatListenAddress({ kind: 'tcp', ...master });
}
