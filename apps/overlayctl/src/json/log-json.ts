import type { ImportResult } from '@overlay/overlay-log';
import type { LogReport } from '../check-log.js';

/** What `log verify` found. */
export function logReportJson({ revision, networks, agents, formerAgents, problems }: LogReport) {
  return {
    ok: problems.length === 0,
    revision: String(revision),
    networks,
    agents,
    former_agents: formerAgents,
    problems,
  };
}

/** What `log import` wrote, and how many records of an interrupted import it replaced. */
export function importJson({ records, exportedRevision, revision, replaced }: ImportResult) {
  return { records, exported_revision: String(exportedRevision), revision: String(revision), replaced };
}
