import type { Capacity } from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { parseNetworkName } from '@overlay/model';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { type MasterClient, withMaster } from '../connect-master.js';
import { capacityJson } from '../json/capacity-json.js';
import { readAllPages } from '../read-pages.js';
import { renderCapacities, renderCapacityChange } from '../render/render-capacities.js';

interface TypedCapacity {
  readonly network?: string;
  readonly watch?: boolean;
}

/** Adds `capacity`. */
export function addCapacityCommand(program: Command, context: CommandContext): void {
  program
    .command('capacity')
    .description('addresses left for containers, per agent, network and half')
    .option('--network <name>', 'only of this network')
    .option('--watch', 'stay, and show each change: a line each, or a JSON object a line with --json')
    .action(async ({ network: typed, watch }: TypedCapacity) => {
      const network = typed === undefined ? '' : parseNetworkName(typed);
      await withMaster(context.globals(), (master) =>
        watch === true ? watchCapacity(context, master, network) : printCapacity(context, master, network),
      );
    });
}

async function printCapacity(context: CommandContext, master: MasterClient, network: string): Promise<void> {
  const capacities = await readAllPages(async (pageToken) => {
    const page = await master.getCapacity({ network, minFree: 0n, pageSize: 0, pageToken });
    return { items: page.capacities, nextPageToken: page.nextPageToken };
  });
  printAnswer(context, {
    json: () => ({ capacities: capacities.map(capacityJson) }),
    text: () => renderCapacities(capacities),
  });
}

/**
 * Goes on until the master ends it or the user does.
 * @throws OverlayError `deadline_exceeded` if the master says nothing at all within the time of one answer.
 */
async function watchCapacity(
  { terminal, globals }: CommandContext,
  master: MasterClient,
  network: string,
): Promise<void> {
  const { json: asJson, timeoutMs } = globals();
  const silence = new AbortController();
  const { signal } = silence;
  const timer = setTimeout(() => silence.abort(), timeoutMs);
  let atStart: Capacity[] | undefined = [];
  try {
    for await (const { capacities, synced } of master.watchCapacity({ network }, { signal })) {
      clearTimeout(timer);
      if (asJson) {
        for (const row of capacities) terminal.print(JSON.stringify(capacityJson(row)));
        continue;
      }
      if (atStart === undefined) {
        for (const row of capacities) terminal.print(renderCapacityChange(row, new Date()));
        continue;
      }
      atStart.push(...capacities);
      if (!synced) continue;
      terminal.print(renderCapacities(atStart));
      atStart = undefined;
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    throw new OverlayError('deadline_exceeded', 'the stream did not begin', { cause: thrown });
  } finally {
    clearTimeout(timer);
  }
}
