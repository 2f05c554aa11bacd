import type { LoopDeps } from '../agent-deps.js';
import type { AgentState } from '../agent-state.js';
import type { MasterLink } from '../registration/master-link.js';
import { planReport } from './plan-report.js';

/** Changes within this time travel in one report. */
const GATHER_MS = 50;

/**
 * Reports to a master on every change and as a heartbeat, until the signal aborts.
 * @param onAnswer told after each report whether the master wants the agent to register again
 * @throws OverlayError if the master cannot be reached.
 */
export async function reportAgent(
  deps: LoopDeps,
  state: AgentState,
  link: MasterLink,
  signal: AbortSignal,
  onAnswer: (registerAgain: boolean) => void,
): Promise<void> {
  const { clock, config, nodeId } = deps;
  while (!signal.aborted) {
    const seen = state.changed.count;
    const answer = await link.report(planReport(nodeId, state), signal);
    onAnswer(answer.registerAgain);
    const expectedMs = answer.nextReportWithinMs === 0 ? config.heartbeatMs : answer.nextReportWithinMs;
    await state.changed.within(seen, Math.min(config.heartbeatMs, expectedMs), clock, signal);
    await clock.sleep(GATHER_MS, signal);
  }
}
