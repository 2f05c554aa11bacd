import type { Network } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { parseNetworkName } from '@overlay/model';
import { type Command, InvalidArgumentError } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { confirm } from '../confirm.js';
import { type MasterClient, withMaster } from '../connect-master.js';
import { networkJson } from '../json/network-json.js';
import { listNetworkAgents } from '../network-agents.js';
import { type NewNetworkFlags, readNewNetwork, refusalOfCluster } from '../new-network.js';
import { readAllPages } from '../read-pages.js';
import { renderNetworkDeletion } from '../render/render-network-deletion.js';
import { renderNetworks } from '../render/render-networks.js';
import { readAgents } from './read-agents.js';

interface DeleteFlags {
  readonly force?: boolean;
  readonly yes?: boolean;
}

/** Adds `network create` and `network delete`. */
export function addNetworkChanges(network: Command, context: CommandContext): void {
  network
    .command('create')
    .description('create a network; every agent takes it up without a restart')
    .argument('<name>', 'name of the network: 1 to 13 characters')
    .option('--subnet <cidr>', 'IPv4 address space, for example 10.8.0.0/16; comes with --prefix')
    .option('--prefix <length>', "length of each agent's IPv4 block, for example 26", parseLength)
    .option('--subnet6 <cidr>', 'IPv6 address space; comes with --prefix6')
    .option('--prefix6 <length>', "length of each agent's IPv6 block, for example 80", parseLength)
    .option('--isolated', 'keep everything but the network itself and its hosts away from its containers')
    .action((name: string, flags: NewNetworkFlags) => createNetwork(context, name, flags));
  network
    .command('delete')
    .description('delete a network from every agent and then for good')
    .argument('<name>', 'name of the network')
    .option('--force', 'delete it although containers are attached')
    .option('-y, --yes', 'do not ask')
    .action((name: string, flags: DeleteFlags) => deleteNetwork(context, name, flags));
}

function parseLength(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('It is a number of bits, for example 26.');
  return Number(text);
}

async function createNetwork(context: CommandContext, name: string, flags: NewNetworkFlags): Promise<void> {
  const spec = readNewNetwork(name, flags);
  const { network } = await withMaster(context.globals(), async (master) => {
    try {
      return await master.createNetwork({ spec });
    } catch (thrown) {
      throw refusalOfCluster(thrown);
    }
  });
  printNetwork(context, network);
}

async function deleteNetwork(context: CommandContext, text: string, flags: DeleteFlags): Promise<void> {
  const name = parseNetworkName(text);
  const { force = false, yes = false } = flags;
  const { network } = await withMaster(context.globals(), async (master) => {
    const found = (await master.getNetwork({ name })).network;
    if (found === undefined) throw new OverlayError('internal', `the master answered without "${name}"`);
    const agents = listNetworkAgents(found.id, await readAgents(master)).length;
    const containers = await countContainers(master, name);
    if (containers > 0 && !force) {
      const message = `${containers} containers are attached to "${name}": stop them first, or give --force`;
      throw new OverlayError('failed_precondition', message);
    }
    await confirm(context.terminal, renderNetworkDeletion(name, agents, containers), yes);
    return master.deleteNetwork({ name, force });
  });
  printNetwork(context, network);
}

async function countContainers(master: MasterClient, network: string): Promise<number> {
  const containers = await readAllPages(async (pageToken) => {
    const page = await master.listContainers({ network, agentIp: '', pageSize: 0, pageToken });
    return { items: page.containers, nextPageToken: page.nextPageToken };
  });
  return containers.length;
}

function printNetwork(context: CommandContext, network: Network | undefined): void {
  if (network === undefined) throw new OverlayError('internal', 'the master answered without the network');
  printAnswer(context, {
    json: () => ({ network: networkJson(network) }),
    text: () => renderNetworks([network]),
  });
}
