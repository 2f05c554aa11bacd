import { AgentsTable } from './agents/agents-table.js';
import { type AgentsQuery, isTroubled, pageAgents } from './agents/page-agents.js';
import { byId } from './dom/element.js';
import { filterNetworks } from './networks/filter-networks.js';
import { NetworksTable } from './networks/networks-table.js';
import { planSpace } from './space/plan-space.js';
import { SpaceView } from './space/space-view.js';
import { type ClusterView, EMPTY_CLUSTER } from './state/cluster-view.js';

/** The page: what the reader asked for, and the parts that show it. */
export class NetworksPage {
  readonly #networks = new NetworksTable(byId('networks-body', HTMLTableSectionElement));
  readonly #agents = new AgentsTable(byId('agents-table', HTMLTableElement));
  readonly #space = new SpaceView(byId('space-figures', HTMLElement));
  readonly #networkFilter = byId('network-filter', HTMLInputElement);
  readonly #agentFilter = byId('agent-filter', HTMLInputElement);
  readonly #troubledOnly = byId('troubled-only', HTMLInputElement);
  readonly #previous = byId('previous-page', HTMLButtonElement);
  readonly #next = byId('next-page', HTMLButtonElement);
  #page = 0;
  #cluster: ClusterView = EMPTY_CLUSTER;
  #agentsByNetwork: ReadonlyMap<string, number> = new Map();

  constructor() {
    this.#networkFilter.addEventListener('input', () => this.#renderNetworks());
    for (const control of [this.#agentFilter, this.#troubledOnly]) {
      control.addEventListener('input', () => this.#turnTo(0));
    }
    this.#previous.addEventListener('click', () => this.#turnTo(this.#page - 1));
    this.#next.addEventListener('click', () => this.#turnTo(this.#page + 1));
  }

  /** Shows the cluster. */
  render(cluster: ClusterView): void {
    this.#cluster = cluster;
    this.#agentsByNetwork = countAgents(cluster);
    this.#renderSummary();
    this.#renderNetworks();
    this.#renderAgents();
  }

  #renderSummary(): void {
    const { networks, agents, vtepSubnets } = this.#cluster;
    const troubled = agents.filter(isTroubled).length;
    show('network-count', networks.length.toLocaleString('en'));
    show('agent-count', agents.length.toLocaleString('en'));
    show('troubled-count', troubled.toLocaleString('en'));
    show('vtep-subnets', vtepSubnets.length === 0 ? '–' : vtepSubnets.join(', '));
    byId('troubled-tile', HTMLElement).classList.toggle('alarming', troubled > 0);
  }

  #renderNetworks(): void {
    const { networks } = this.#cluster;
    const wanted = filterNetworks(networks, this.#networkFilter.value);
    this.#networks.render(wanted, (name) => this.#agentsByNetwork.get(name) ?? 0);
    this.#space.render(planSpace(this.#cluster, wanted));
    const nothing = networks.length === 0 ? 'There are no networks.' : 'No network matches the filter.';
    show('networks-note', wanted.length === 0 ? nothing : '');
  }

  #turnTo(page: number): void {
    this.#page = page;
    this.#renderAgents();
  }

  #renderAgents(): void {
    const query: AgentsQuery = {
      text: this.#agentFilter.value,
      troubledOnly: this.#troubledOnly.checked,
      page: this.#page,
    };
    const { agents, page, pages, matching } = pageAgents(this.#cluster.agents, query);
    this.#page = page;
    this.#agents.render(agents);
    this.#previous.disabled = page === 0;
    this.#next.disabled = page + 1 >= pages;
    const nothing = this.#cluster.agents.length === 0 ? 'No agent has registered yet.' : 'No agent matches.';
    const some = `${matching.toLocaleString('en')} ${matching === 1 ? 'agent' : 'agents'}, page ${page + 1} of ${pages}`;
    show('agents-note', matching === 0 ? nothing : some);
  }
}

function countAgents({ agents }: ClusterView): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { networks } of agents) {
    for (const { name } of networks) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function show(id: string, text: string): void {
  const place = byId(id, HTMLElement);
  if (place.textContent !== text) place.textContent = text;
}
