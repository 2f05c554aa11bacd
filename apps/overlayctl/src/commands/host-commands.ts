import { OverlayError } from '@overlay/failure';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { DEFAULT_HOST_SOCKETS, type HostSockets, readHostStatus } from '../host-status.js';
import { hostStatusJson } from '../json/host-status-json.js';
import { renderHostStatus } from '../render/render-host-status.js';
import { addHostPurge } from './host-purge-command.js';
import { readSocket } from './read-socket.js';

interface HostFlags {
  readonly agentSocket: string;
  readonly dataplaneSocket: string;
  readonly ipamSocket: string;
}

/** Adds `host status` and `host purge`. */
export function addHostCommands(program: Command, context: CommandContext): void {
  const host = program
    .command('host')
    .description('this host; talks to the processes that run here, not to a master');
  addHostPurge(host, context);
  host
    .command('status')
    .description('what this host is assigned, what stands in its kernel and which addresses are left')
    .option('--agent-socket <address>', 'gRPC address of overlay-agent', DEFAULT_HOST_SOCKETS.agent)
    .option(
      '--dataplane-socket <address>',
      'gRPC address of overlay-dataplane',
      DEFAULT_HOST_SOCKETS.dataplane,
    )
    .option('--ipam-socket <address>', 'gRPC address of overlay-ipam', DEFAULT_HOST_SOCKETS.ipam)
    .action((flags: HostFlags) => showHostStatus(context, flags));
}

async function showHostStatus(context: CommandContext, flags: HostFlags): Promise<void> {
  const status = await readHostStatus(readSockets(flags), context.globals());
  printAnswer(context, { json: () => hostStatusJson(status), text: () => renderHostStatus(status) });
  const silent = Object.values(status).flatMap((part) => (part.kind === 'silent' ? [part.reason] : []));
  if (silent.length > 0) throw new OverlayError('unavailable', silent.join('\n  '));
}

function readSockets(flags: HostFlags): HostSockets {
  return {
    agent: readSocket('--agent-socket', flags.agentSocket),
    dataplane: readSocket('--dataplane-socket', flags.dataplaneSocket),
    ipam: readSocket('--ipam-socket', flags.ipamSocket),
  };
}
