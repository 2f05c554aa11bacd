import type { Agent, GetStateResponse, Network } from '@overlay/contracts';
import { listNetworkAgents } from '../network-agents.js';
import { type StatusWord, statusWord } from '../status-word.js';
import { renderFacts, renderTable } from './render-table.js';

/** The cluster at a glance: address space, how each network stands, and what is not well. */
export function renderState({ addressSpace, networks, agents }: GetStateResponse): string {
  const connected = agents.filter((agent) => agent.connected).length;
  const facts = renderFacts([
    ['VTEPs', [addressSpace?.vtepSubnet ?? '', addressSpace?.vtepSubnet6 ?? ''].filter(Boolean).join(', ')],
    ['VTEP OUI', addressSpace?.vtepMacOui ?? ''],
    ['agents', `${agents.length}, ${connected} connected`],
  ]);
  const table =
    networks.length === 0
      ? 'there are no networks'
      : renderTable(
          ['NETWORK', 'SUBNET', 'SUBNET6', 'AGENTS', 'OK', 'CONFIGURING', 'FAILED'],
          networks.map((network) => networkRow(network, agents)),
        );
  return [facts, table, ...troublesOf(agents)].join('\n\n');
}

function networkRow({ id, spec }: Network, agents: readonly Agent[]): readonly string[] {
  const members = listNetworkAgents(id, agents);
  const count = (word: StatusWord) =>
    String(members.filter(({ network }) => statusWord(network.state) === word).length);
  return [
    spec?.name ?? '',
    spec?.subnet ?? '',
    spec?.subnet6 ?? '',
    String(members.length),
    count('ok'),
    count('configuring'),
    count('failed'),
  ];
}

/** A table of what failed, where something did. */
function troublesOf(agents: readonly Agent[]): readonly string[] {
  const rows = agents.flatMap(({ assignment }) =>
    (assignment?.networks ?? [])
      .filter(({ state }) => statusWord(state) === 'failed')
      .map(({ network, state }) => [assignment?.ip ?? '', network?.name ?? '', state?.error ?? '']),
  );
  return rows.length === 0 ? [] : [renderTable(['AGENT', 'FAILED NETWORK', 'ERROR'], rows)];
}
