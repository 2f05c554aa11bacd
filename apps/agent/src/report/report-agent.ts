import type { ReportAgentRequest, ReportAgentResponse } from '@overlay/contracts';
import { isFailure, type OverlayError } from '@overlay/failure';
import type { LoopDeps } from '../agent-deps.js';
import type { AgentState } from '../agent-state.js';
import type { MasterLink } from '../registration/master-link.js';
import { LEFT_OUT_LABEL } from './bound-labels.js';
import { leftOutOf, planReport } from './plan-report.js';

/** Changes within this time travel in one report. */
const GATHER_MS = 50;

/**
 * Reports to a master on every change and as a heartbeat, until the signal aborts. A report that the master refuses
 * for its size is told and sent again later, as the host then stands: neither registration nor topology wait for it.
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
  const tell = reportTeller(deps);
  while (!signal.aborted) {
    const seen = state.changed.count;
    const report = planReport(nodeId, state);
    tell.leftOut(leftOutOf(report));
    const answer = await answerOf(link, report, signal);
    if (isFailure(answer)) {
      tell.refused(answer);
      await clock.sleep(config.heartbeatMs, signal);
      continue;
    }
    tell.refused(undefined);
    onAnswer(answer.registerAgain);
    const expectedMs = answer.nextReportWithinMs === 0 ? config.heartbeatMs : answer.nextReportWithinMs;
    await state.changed.within(seen, Math.min(config.heartbeatMs, expectedMs), clock, signal);
    await clock.sleep(GATHER_MS, signal);
  }
}

/** The master's answer, or its refusal of the report's size. @throws OverlayError every other failure. */
async function answerOf(
  link: MasterLink,
  report: ReportAgentRequest,
  signal: AbortSignal,
): Promise<ReportAgentResponse | OverlayError> {
  try {
    return await link.report(report, signal);
  } catch (thrown) {
    if (isFailure(thrown, 'resource_exhausted')) return thrown;
    throw thrown;
  }
}

/** Tells what an operator should know of reports, once for each change. */
function reportTeller({ logger }: LoopDeps) {
  let reason: string | undefined;
  let leftOut = 0;
  return {
    refused(refusal: OverlayError | undefined): void {
      if (refusal?.message === reason) return;
      reason = refusal?.message;
      if (reason === undefined) logger.info({ event: 'report_accepted_again' });
      else logger.error({ event: 'report_refused', reason });
    },
    leftOut({ labels, containers }: ReturnType<typeof leftOutOf>): void {
      if (labels === leftOut) return;
      leftOut = labels;
      if (labels === 0) logger.info({ event: 'labels_whole_again' });
      else
        logger.warn({
          event: 'labels_left_out',
          labels,
          containers,
          reason: `labels are too large to be reported; containers with fewer are marked ${LEFT_OUT_LABEL}`,
        });
    },
  };
}
