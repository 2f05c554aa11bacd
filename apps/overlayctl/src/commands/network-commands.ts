import type { Network } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { parseNetworkName } from '@overlay/model';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { type MasterClient, withMaster } from '../connect-master.js';
import { networkAgentJson, networkJson } from '../json/network-json.js';
import { listNetworkAgents } from '../network-agents.js';
import { readAllPages } from '../read-pages.js';
import { renderNetwork, renderNetworks } from '../render/render-networks.js';
import { addNetworkChanges } from './network-changes.js';
import { readAgents } from './read-agents.js';

/** Adds `network ls`, `show`, `create` and `delete`. */
export function addNetworkCommands(program: Command, context: CommandContext): void {
  const network = program.command('network').description('virtual networks');
  network
    .command('ls')
    .description('list the networks')
    .action(async () => {
      const networks = await withMaster(context.globals(), readNetworks);
      printAnswer(context, {
        json: () => ({ networks: networks.map(networkJson) }),
        text: () => renderNetworks(networks),
      });
    });
  network
    .command('show')
    .description('one network and what each agent has of it')
    .argument('<name>', 'name of the network')
    .action((name: string) => showNetwork(context, name));
  addNetworkChanges(network, context);
}

async function showNetwork(context: CommandContext, text: string): Promise<void> {
  const name = parseNetworkName(text);
  const { network, agents } = await withMaster(context.globals(), async (master) => ({
    network: (await master.getNetwork({ name })).network,
    agents: await readAgents(master),
  }));
  if (network === undefined) throw new OverlayError('internal', `the master answered without "${name}"`);
  const members = listNetworkAgents(network.id, agents);
  printAnswer(context, {
    json: () => ({ network: networkJson(network), agents: members.map(networkAgentJson) }),
    text: () => renderNetwork(network, members),
  });
}

function readNetworks(master: MasterClient): Promise<readonly Network[]> {
  return readAllPages(async (pageToken) => {
    const { networks, nextPageToken } = await master.listNetworks({ pageSize: 0, pageToken });
    return { items: networks, nextPageToken };
  });
}
