import type { Agent, AgentNetwork, Bridge } from '@overlay/contracts';
import { statusWord } from '../status-word.js';
import { renderFacts, renderTable } from './render-table.js';

/** The agents as a table, one line each. */
export function renderAgents(agents: readonly Agent[]): string {
  if (agents.length === 0) return 'there are no agents';
  return renderTable(
    ['IP', 'VTEP', 'MAC', 'CONNECTED', 'NETWORKS', 'STATUS'],
    agents.map(({ assignment, connected }) => [
      assignment?.ip ?? '',
      assignment?.vtep?.ip ?? '',
      assignment?.vtep?.mac ?? '',
      connected ? 'yes' : 'no',
      (assignment?.networks ?? []).map(blocksOf).join(', '),
      summaryOf(assignment?.networks ?? []),
    ]),
  );
}

/** One agent: its tunnel endpoint, then its networks. */
export function renderAgent({ assignment, connected, lastReportMs }: Agent): string {
  const vtep = assignment?.vtep;
  const facts = renderFacts([
    ['ip', assignment?.ip ?? ''],
    ['node id', assignment?.nodeId ?? ''],
    ['connected', connected ? 'yes' : 'no'],
    ['last report', lastReportMs === 0n ? 'none yet' : new Date(Number(lastReportMs)).toISOString()],
    ['VTEP', vtep === undefined ? '' : `${vtep.name}, VNI ${vtep.vni}, ${vtep.mac}`],
    ['VTEP address', [vtep?.ip ?? '', vtep?.ip6 ?? ''].filter((ip) => ip !== '').join(', ')],
  ]);
  return `${facts}\n\n${renderAgentNetworks(assignment?.networks ?? [])}`;
}

/** The networks of one agent as a table. */
export function renderAgentNetworks(networks: readonly AgentNetwork[]): string {
  if (networks.length === 0) return 'it has no networks';
  return renderTable(
    ['NETWORK', 'BLOCK', 'CNI HALF', 'DOCKER HALF', 'STATUS', 'ERROR'],
    networks.map((network) => [
      network.network?.name ?? '',
      [network.subnet, network.subnet6].filter((block) => block !== '').join(', '),
      bridgeOf(network.cniBridge),
      bridgeOf(network.dockerBridge),
      statusWord(network.state),
      network.state?.error ?? '',
    ]),
  );
}

function blocksOf({ network, subnet, subnet6 }: AgentNetwork): string {
  return [network?.name ?? '', subnet, subnet6].filter((part) => part !== '').join(' ');
}

function bridgeOf(bridge: Bridge | undefined): string {
  return bridge === undefined
    ? ''
    : [bridge.name, bridge.ip, bridge.ip6].filter((part) => part !== '').join(' ');
}

/** `ok` if all are, else the words that are not, with the networks they stand for. */
function summaryOf(networks: readonly AgentNetwork[]): string {
  const troubles = networks
    .map(({ network, state }) => ({ name: network?.name ?? '', word: statusWord(state) }))
    .filter(({ word }) => word !== 'ok');
  return troubles.length === 0 ? 'ok' : troubles.map(({ name, word }) => `${name} ${word}`).join(', ');
}
