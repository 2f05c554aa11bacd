import type { PurgeResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { overlayctlConfiguration } from '@overlay/model';
import type { Command } from 'commander';
import { type AgentPurge, purgeAgentLeftovers } from '../agent-purge.js';
import { type CommandContext, printAnswer } from '../command-context.js';
import { confirm } from '../confirm.js';
import { explainFailure } from '../explain-failure.js';
import { type GlobalOptions, readTarget } from '../global-options.js';
import { renderLeftovers, renderPurge } from '../render/render-purge.js';

interface PurgeFlags {
  readonly dataplaneSocket?: string;
  readonly agentConfig?: string;
  readonly verify?: boolean;
  readonly yes?: boolean;
}

/** What is asked: the dataplane about the kernel, the agent about its files and networks. */
interface PurgeWork {
  readonly dataplane: (verify: boolean) => Promise<PurgeResponse>;
  readonly agent: (verify: boolean) => Promise<AgentPurge>;
}

/** A large host has hundreds of thousands of objects: one call may take as long as a few kernel commands. */
const PURGE_TIMEOUT_MS = 60_000;

/** Adds `host purge`. */
export function addHostPurge(host: Command, context: CommandContext): void {
  host
    .command('purge')
    .description('remove everything of the overlay from this host: kernel, CNI files, Docker networks')
    .option('--verify', 'only list what is there; exit code 1 if anything is')
    .option('-y, --yes', 'do not ask')
    .option(
      '--dataplane-socket <address>',
      `gRPC address of overlay-dataplane (default: ${overlayctlConfiguration.defaults().sockets.dataplane})`,
    )
    .option(
      '--agent-config <file>',
      'configuration of overlay-agent, which tells where its files are (default: what an agent without one has)',
    )
    .action((flags: PurgeFlags) => purgeHost(context, flags));
}

async function purgeHost(context: CommandContext, flags: PurgeFlags): Promise<void> {
  const { dataplane, agent } = workOf(context, flags);
  const present = { kernel: await dataplane(true), agent: await agent(true) };
  const objects = present.kernel.leftovers;
  const made = present.agent.left;
  if (flags.verify || objects.length + made.length === 0) {
    answer(context, present.kernel, present.agent);
    return;
  }
  await confirm(context.terminal, renderPurge(objects, made), flags.yes ?? false);
  // First, for it refuses while the agent runs; and a bridge of Docker's goes with its network.
  const purged = await agent(false);
  answer(context, await dataplane(false), purged);
}

function workOf({ globals, agentProgram }: CommandContext, flags: PurgeFlags): PurgeWork {
  const options = globals();
  const target =
    flags.dataplaneSocket === undefined
      ? options.sockets.dataplane
      : readTarget('--dataplane-socket', flags.dataplaneSocket);
  return {
    dataplane: (verify) => purge(target, options, verify),
    agent: (verify) => purgeAgentLeftovers({ program: agentProgram, config: flags.agentConfig, verify }),
  };
}

function answer(context: CommandContext, kernel: PurgeResponse, agent: AgentPurge): void {
  const removed = Number(kernel.removed) + agent.removed.length;
  const leftovers = [...kernel.leftovers, ...agent.left];
  printAnswer(context, {
    json: () => ({ removed: String(removed), leftovers, kept: agent.kept }),
    text: () =>
      renderLeftovers({
        removedFromKernel: Number(kernel.removed),
        removed: agent.removed,
        kernel: kernel.leftovers,
        made: agent.left,
        kept: agent.kept,
      }),
  });
  if (leftovers.length > 0)
    throw new OverlayError(
      'failed_precondition',
      `the overlay has objects on this host: ${leftovers.length}`,
    );
}

async function purge(target: string, { timeoutMs, tls }: GlobalOptions, verify: boolean) {
  const { createRpcClient } = await import('@overlay/rpc');
  const { DataplaneServiceService } = await import('@overlay/contracts');
  const client = createRpcClient(DataplaneServiceService, {
    target,
    timeoutMs: Math.max(timeoutMs, PURGE_TIMEOUT_MS),
    tls: target.startsWith('unix:') ? undefined : tls,
  });
  try {
    return await client.purge({ verify });
  } catch (thrown) {
    const wayOut = 'see whether it runs, or name its address with --dataplane-socket';
    throw explainFailure(thrown, { server: `overlay-dataplane at ${target}`, wayOut });
  } finally {
    client.close();
  }
}
