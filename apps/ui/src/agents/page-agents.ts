import type { AgentView } from '../state/cluster-view.js';

/** Agents per page: what a person reads, and what a browser lays out at once. */
export const AGENTS_PER_PAGE = 50;

/** What of the agents is wanted. */
export interface AgentsQuery {
  /** Text in an address, a network's name, a block or an error; '' for all. */
  readonly text: string;
  /** Only agents on which some network is not OK. */
  readonly troubledOnly: boolean;
  /** From 0; beyond the last page means the last. */
  readonly page: number;
}

/** One page of agents. */
export interface AgentsPage {
  readonly agents: readonly AgentView[];
  /** From 0. */
  readonly page: number;
  readonly pages: number;
  /** How many agents match, on all pages. */
  readonly matching: number;
}

/** The page of the agents that a query asks for. */
export function pageAgents(agents: readonly AgentView[], query: AgentsQuery): AgentsPage {
  const wanted = query.text.trim().toLowerCase();
  const matching = agents.filter(
    (agent) => (!query.troubledOnly || isTroubled(agent)) && matches(agent, wanted),
  );
  const pages = Math.max(1, Math.ceil(matching.length / AGENTS_PER_PAGE));
  const page = Math.min(Math.max(0, query.page), pages - 1);
  const start = page * AGENTS_PER_PAGE;
  return { agents: matching.slice(start, start + AGENTS_PER_PAGE), page, pages, matching: matching.length };
}

/** True if some network is not OK on the agent. */
export function isTroubled({ networks }: AgentView): boolean {
  return networks.some(({ status }) => status !== 'ok');
}

function matches(agent: AgentView, wanted: string): boolean {
  if (wanted === '') return true;
  const has = (candidate: string) => candidate.toLowerCase().includes(wanted);
  return (
    has(agent.ip) ||
    has(agent.vtepMac) ||
    agent.vtepIps.some(has) ||
    agent.networks.some(
      ({ name, subnet, subnet6, error, status }) =>
        has(name) || has(subnet) || has(subnet6) || has(error) || has(status),
    )
  );
}
