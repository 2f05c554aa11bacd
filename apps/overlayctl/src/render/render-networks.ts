import { type Network, NetworkOrigin, NetworkPhase } from '@overlay/contracts';
import type { NetworkAgent } from '../network-agents.js';
import { statusWord } from '../status-word.js';
import { renderFacts, renderTable } from './render-table.js';

/** The networks as a table. */
export function renderNetworks(networks: readonly Network[]): string {
  if (networks.length === 0) return 'there are no networks';
  return renderTable(
    ['NAME', 'SUBNET', 'PREFIX', 'SUBNET6', 'PREFIX6', 'ENABLED', 'ISOLATED', 'PHASE'],
    networks.map(({ spec, phase }) => [
      spec?.name ?? '',
      spec?.subnet ?? '',
      prefixOf(spec?.prefix),
      spec?.subnet6 ?? '',
      prefixOf(spec?.prefix6),
      spec?.disabled === true ? 'no' : 'yes',
      spec?.isolated === true ? 'yes' : 'no',
      phase === NetworkPhase.DELETING ? 'deleting' : 'active',
    ]),
  );
}

/** One network: its definition, then what each agent has of it. */
export function renderNetwork({ id, spec, origin, phase }: Network, agents: readonly NetworkAgent[]): string {
  const facts = renderFacts([
    ['name', spec?.name ?? ''],
    ['id', id],
    ['subnet', spaceOf(spec?.subnet, spec?.prefix)],
    ['subnet6', spaceOf(spec?.subnet6, spec?.prefix6)],
    ['enabled', spec?.disabled === true ? 'no' : 'yes'],
    ['isolated', spec?.isolated === true ? 'yes' : 'no'],
    ['defined', origin === NetworkOrigin.RUNTIME ? 'at runtime' : "in the masters' configuration"],
    ['phase', phase === NetworkPhase.DELETING ? 'deleting' : 'active'],
  ]);
  if (agents.length === 0) return `${facts}\n\nno agent has a part of it`;
  const rows = agents.map(({ ip, connected, network }) => [
    ip,
    connected ? 'yes' : 'no',
    network.subnet,
    network.subnet6,
    statusWord(network.state),
    network.state?.error ?? '',
  ]);
  return `${facts}\n\n${renderTable(['AGENT', 'CONNECTED', 'SUBNET', 'SUBNET6', 'STATUS', 'ERROR'], rows)}`;
}

function prefixOf(prefix: number | undefined): string {
  return prefix === undefined || prefix === 0 ? '' : `/${prefix}`;
}

function spaceOf(subnet = '', prefix = 0): string {
  return subnet === '' ? '' : `${subnet}, one /${prefix} per agent`;
}
