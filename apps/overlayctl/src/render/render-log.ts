import type { LogReport } from '../check-log.js';
import { renderTable } from './render-table.js';

/** A person reads no more; `--json` has them all. */
const PROBLEMS_SHOWN = 200;

/** What `log verify` found: one line, and a table of what is wrong. */
export function renderLogReport({ revision, networks, agents, formerAgents, problems }: LogReport): string {
  const kept = formerAgents === 0 ? '' : `, ${formerAgents} deleted agents in quarantine`;
  const summary = `revision ${revision}: ${networks} networks, ${agents} agents${kept}`;
  if (problems.length === 0) return `${summary}; every rule holds`;
  const rows = problems
    .slice(0, PROBLEMS_SHOWN)
    .map(({ key, rule, description }) => [key, rule, description]);
  const more = problems.length - rows.length;
  return [
    summary,
    '',
    renderTable(['ENTRY', 'RULE', 'PROBLEM'], rows),
    ...(more > 0 ? [`and ${more} more: see --json`] : []),
  ].join('\n');
}
