import type { PurgeResponse } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { overlayctlConfiguration } from '@overlay/model';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { confirm } from '../confirm.js';
import { explainFailure } from '../explain-failure.js';
import { type GlobalOptions, readTarget } from '../global-options.js';
import { renderLeftovers, renderPurge } from '../render/render-purge.js';

interface PurgeFlags {
  readonly dataplaneSocket?: string;
  readonly verify?: boolean;
  readonly yes?: boolean;
}

/** A large host has hundreds of thousands of objects: one call may take as long as a few kernel commands. */
const PURGE_TIMEOUT_MS = 60_000;

/** Adds `host purge`. */
export function addHostPurge(host: Command, context: CommandContext): void {
  host
    .command('purge')
    .description('remove everything of the overlay from the kernel of this host')
    .option('--verify', 'only list what is there; exit code 1 if anything is')
    .option('-y, --yes', 'do not ask')
    .option(
      '--dataplane-socket <address>',
      `gRPC address of overlay-dataplane (default: ${overlayctlConfiguration.defaults().sockets.dataplane})`,
    )
    .action((flags: PurgeFlags) => purgeHost(context, flags));
}

async function purgeHost(context: CommandContext, flags: PurgeFlags): Promise<void> {
  const globals = context.globals();
  const target =
    flags.dataplaneSocket === undefined
      ? globals.sockets.dataplane
      : readTarget('--dataplane-socket', flags.dataplaneSocket);
  const present = await purge(target, globals, true);
  if (flags.verify || present.leftovers.length === 0) {
    answer(context, present);
    return;
  }
  await confirm(context.terminal, renderPurge(present.leftovers), flags.yes ?? false);
  answer(context, await purge(target, globals, false));
}

function answer(context: CommandContext, { removed, leftovers }: PurgeResponse): void {
  printAnswer(context, {
    json: () => ({ removed: String(removed), leftovers }),
    text: () => renderLeftovers(Number(removed), leftovers),
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
