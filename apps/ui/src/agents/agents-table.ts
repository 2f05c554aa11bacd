import { element } from '../dom/element.js';
import { KeyedChildren } from '../dom/keyed-children.js';
import type { AgentNetworkView, AgentView, Status } from '../state/cluster-view.js';

const STATUS_LABELS: Readonly<Record<Status, string>> = {
  ok: 'OK',
  configuring: 'configuring',
  failed: 'failed',
  unknown: 'unknown',
};

/** The table of agents: a body of rows for each agent, a row for each of its networks. */
export class AgentsTable {
  readonly #bodies: KeyedChildren;

  /** @param table gets its bodies from this object, behind its head; nobody else adds any. */
  constructor(table: HTMLTableElement) {
    this.#bodies = new KeyedChildren(table);
  }

  /** Shows the agents. */
  render(agents: readonly AgentView[]): void {
    this.#bodies.apply(
      agents.map((agent) => ({
        key: agent.ip,
        look: JSON.stringify(agent),
        build: () => agentBody(agent),
      })),
    );
  }
}

function agentBody(agent: AgentView): HTMLTableSectionElement {
  const { networks } = agent;
  const [first, ...rest] = networks;
  const rowspan = networks.length > 1 ? String(networks.length) : undefined;
  const head = element(
    'tr',
    {},
    element('th', { scope: 'rowgroup', rowspan }, agent.ip),
    element(
      'td',
      { rowspan, class: 'address' },
      ...[...agent.vtepIps, agent.vtepMac].map((line) => element('div', {}, line)),
    ),
    ...(first === undefined
      ? [element('td', { colspan: '4', class: 'faint' }, 'no networks')]
      : networkCells(first)),
  );
  return element('tbody', {}, head, ...rest.map((network) => element('tr', {}, ...networkCells(network))));
}

function networkCells(network: AgentNetworkView): readonly HTMLTableCellElement[] {
  const { name, subnet, subnet6, bridges, status, error } = network;
  const blocks = [subnet, subnet6].filter((block) => block !== '');
  return [
    element('td', {}, name),
    element('td', { class: 'address' }, ...blocks.map((block) => element('div', {}, block))),
    element('td', { class: 'address' }, ...bridges.map(bridgeLine)),
    element(
      'td',
      {},
      element('span', { class: `badge ${status}` }, STATUS_LABELS[status]),
      ...(error === '' ? [] : [element('div', { class: 'error' }, error)]),
    ),
  ];
}

/** A bridge with its addresses: where the table is narrow it breaks between them, never inside one. */
function bridgeLine(bridge: string): HTMLDivElement {
  const parts = bridge.split(' ').flatMap((part) => [' ', element('span', {}, part)]);
  return element('div', { class: 'bridge' }, ...parts.slice(1));
}
