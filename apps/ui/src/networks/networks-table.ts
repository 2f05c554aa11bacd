import { element } from '../dom/element.js';
import { type KeyedChild, KeyedChildren } from '../dom/keyed-children.js';
import type { NetworkView } from '../state/cluster-view.js';

/** The table of networks. */
export class NetworksTable {
  readonly #rows: KeyedChildren;

  /** @param body the table's body; belongs to this object from now on. */
  constructor(body: HTMLTableSectionElement) {
    this.#rows = new KeyedChildren(body);
  }

  /** Shows the networks. @param agentsOf how many agents have a part of a network. */
  render(networks: readonly NetworkView[], agentsOf: (name: string) => number): void {
    this.#rows.apply(
      networks.map((network): KeyedChild => {
        const agents = agentsOf(network.name);
        return {
          key: network.name,
          look: JSON.stringify([network, agents]),
          build: () => networkRow(network, agents),
        };
      }),
    );
  }
}

function networkRow(network: NetworkView, agents: number): HTMLTableRowElement {
  const { name, subnet, prefix, subnet6, prefix6, enabled, isolated } = network;
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    linesCell('address', [subnet, subnet6]),
    linesCell(
      'address',
      [prefix, prefix6].map((length) => (length === 0 ? '' : `/${length}`)),
    ),
    element('td', { class: 'number' }, agents.toLocaleString('en')),
    element(
      'td',
      {},
      badge(enabled ? 'ok' : 'unknown', enabled ? 'enabled' : 'disabled'),
      ...(isolated ? [' ', badge('configuring', 'isolated')] : []),
    ),
  );
}

function linesCell(kind: string, lines: readonly string[]): HTMLTableCellElement {
  const told = lines.filter((line) => line !== '');
  return element('td', { class: kind }, ...told.map((line) => element('div', {}, line)));
}

function badge(kind: string, label: string): HTMLSpanElement {
  return element('span', { class: `badge ${kind}` }, label);
}
