import { type IpAddress, parseIpAddress } from '@overlay/allocation';
import type { Agent } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { confirm } from '../confirm.js';
import { withMaster } from '../connect-master.js';
import { agentJson } from '../json/agent-json.js';
import { renderAgent, renderAgents } from '../render/render-agents.js';
import { renderDeletion } from '../render/render-deletion.js';
import { readAgents } from './read-agents.js';

interface DeleteFlags {
  readonly force?: boolean;
  readonly yes?: boolean;
}

/** Adds `agent ls`, `agent show` and `agent delete`. */
export function addAgentCommands(program: Command, context: CommandContext): void {
  const agent = program.command('agent').description('agents: the hosts of the overlay');
  agent
    .command('ls')
    .description('list the agents')
    .action(async () => {
      const agents = await withMaster(context.globals(), readAgents);
      printAnswer(context, {
        json: () => ({ agents: agents.map(agentJson) }),
        text: () => renderAgents(agents),
      });
    });
  agent
    .command('show')
    .description('one agent: its tunnel endpoint and what it has of each network')
    .argument('<ip>', 'underlay address of the agent')
    .action((ip: string) => showAgent(context, ip));
  agent
    .command('delete')
    .description('delete agents that are gone; what they had stays theirs for ten minutes and is free then')
    .argument('<ip...>', 'underlay addresses of the agents')
    .option('--force', 'delete connected agents too')
    .option('-y, --yes', 'do not ask')
    .action((ips: readonly string[], flags: DeleteFlags) => deleteAgents(context, ips, flags));
}

async function showAgent(context: CommandContext, text: string): Promise<void> {
  const ip = readIp(text);
  const agents = await withMaster(context.globals(), readAgents);
  const agent = agents.find(({ assignment }) => assignment?.ip === ip);
  if (agent === undefined) {
    throw new OverlayError('not_found', `no agent has the address ${ip}: see "overlayctl agent ls"`);
  }
  printAnswer(context, { json: () => ({ agent: agentJson(agent) }), text: () => renderAgent(agent) });
}

async function deleteAgents(context: CommandContext, texts: readonly string[], flags: DeleteFlags) {
  const ips = [...new Set(texts.map(readIp))];
  const { force = false, yes = false } = flags;
  const { terminal } = context;
  const deletedIps = await withMaster(context.globals(), async (master) => {
    const touched = ownersOf(await readAgents(master), ips);
    if (touched.length === 0) return [];
    if (!force) refuseConnected(touched);
    await confirm(terminal, renderDeletion(touched), yes);
    return (await master.deleteAgents({ ips: touched.flatMap(ipOf), force })).deletedIps;
  });
  const unknownIps = ips.filter((ip) => !deletedIps.includes(ip));
  for (const ip of unknownIps) terminal.warn(`no agent has the address ${ip}; there is nothing to delete`);
  if (deletedIps.length === 0 && !context.globals().json) return;
  printAnswer(context, {
    json: () => ({ deleted: deletedIps, unknown: unknownIps }),
    text: () => deletedIps.map((ip) => `deleted ${ip}`).join('\n'),
  });
}

function ownersOf(agents: readonly Agent[], ips: readonly string[]): readonly Agent[] {
  const wanted = new Set(ips);
  return agents.filter((agent) => ipOf(agent).some((ip) => wanted.has(ip)));
}

/** Asking for a confirmation that the master then refuses would waste the person's answer. */
function refuseConnected(agents: readonly Agent[]): void {
  const connected = agents.filter((agent) => agent.connected).flatMap(ipOf);
  if (connected.length === 0) return;
  const subject = connected.length === 1 ? 'this agent is' : 'these agents are';
  const message = `${subject} connected: ${connected.join(', ')}; stop overlay-agent there first, or give --force`;
  throw new OverlayError('failed_precondition', message);
}

function ipOf({ assignment }: Agent): readonly string[] {
  return assignment === undefined ? [] : [assignment.ip];
}

function readIp(text: string): IpAddress {
  return parseIpAddress(text);
}
