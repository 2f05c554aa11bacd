import type { Agent } from '@overlay/contracts';
import { type DcosAgent, renderDcosAgent } from '@overlay/model';

/** An agent for programs: as DC/OS's state has it, and what this product knows beside it. */
export interface AgentJson extends DcosAgent {
  readonly node_id: string;
  readonly connected: boolean;
  /** Unix milliseconds; absent before the first report. */
  readonly last_report_ms?: number;
}

/** An agent for programs. */
export function agentJson({ assignment, connected, lastReportMs }: Agent): AgentJson {
  const agent = assignment === undefined ? { ip: '', overlays: [] } : renderDcosAgent(assignment);
  return {
    ...agent,
    node_id: assignment?.nodeId ?? '',
    connected,
    ...(lastReportMs === 0n ? {} : { last_report_ms: Number(lastReportMs) }),
  };
}
