import { OverlayError } from '@overlay/failure';
import { overlayctlConfiguration } from '@overlay/model';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { type GlobalOptions, readTarget } from '../global-options.js';
import { readHostStatus } from '../host-status.js';
import { hostStatusJson } from '../json/host-status-json.js';
import { renderHostStatus } from '../render/render-host-status.js';
import { addHostPurge } from './host-purge-command.js';

interface HostFlags {
  readonly agentSocket?: string;
  readonly dataplaneSocket?: string;
  readonly ipamSocket?: string;
}

/** Adds `host status` and `host purge`. */
export function addHostCommands(program: Command, context: CommandContext): void {
  const { sockets: standard } = overlayctlConfiguration.defaults();
  const host = program
    .command('host')
    .description('this host; talks to the processes that run here, not to a master');
  addHostPurge(host, context);
  host
    .command('status')
    .description('what this host is assigned, what stands in its kernel and which addresses are left')
    .option('--agent-socket <address>', `gRPC address of overlay-agent (default: ${standard.agent})`)
    .option(
      '--dataplane-socket <address>',
      `gRPC address of overlay-dataplane (default: ${standard.dataplane})`,
    )
    .option('--ipam-socket <address>', `gRPC address of overlay-ipam (default: ${standard.ipam})`)
    .action((flags: HostFlags) => showHostStatus(context, flags));
}

async function showHostStatus(context: CommandContext, flags: HostFlags): Promise<void> {
  const globals = context.globals();
  const status = await readHostStatus(socketsOf(flags, globals), globals);
  printAnswer(context, { json: () => hostStatusJson(status), text: () => renderHostStatus(status) });
  const silent = Object.values(status).flatMap((part) => (part.kind === 'silent' ? [part.reason] : []));
  if (silent.length > 0) throw new OverlayError('unavailable', silent.join('\n  '));
}

function socketsOf(
  { agentSocket, dataplaneSocket, ipamSocket }: HostFlags,
  { sockets }: GlobalOptions,
): GlobalOptions['sockets'] {
  return {
    agent: agentSocket === undefined ? sockets.agent : readTarget('--agent-socket', agentSocket),
    dataplane:
      dataplaneSocket === undefined ? sockets.dataplane : readTarget('--dataplane-socket', dataplaneSocket),
    ipam: ipamSocket === undefined ? sockets.ipam : readTarget('--ipam-socket', ipamSocket),
  };
}
