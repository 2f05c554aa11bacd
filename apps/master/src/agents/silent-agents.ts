import type { Clock } from '@overlay/service';
import { type AgentReports, REPORT_WITHIN_MS } from './agent-reports.js';

/** An agent that has said nothing for so long may be gone with its host; one that is late by seconds is not. */
export const SILENT_AFTER_MS = REPORT_WITHIN_MS + 10_000;

const LOOK_EVERY_MS = 2_000;

/** Marks what agents reported as silent when they have been for too long, until the signal aborts. */
export async function watchSilence(
  reports: Pick<AgentReports, 'markSilent'>,
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    reports.markSilent(clock.monotonicMs() - SILENT_AFTER_MS);
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
