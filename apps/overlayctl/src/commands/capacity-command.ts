import { parseNetworkName } from '@overlay/model';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { withMaster } from '../connect-master.js';
import { capacityJson } from '../json/capacity-json.js';
import { readAllPages } from '../read-pages.js';
import { renderCapacities } from '../render/render-capacities.js';

/** Adds `capacity`. */
export function addCapacityCommand(program: Command, context: CommandContext): void {
  program
    .command('capacity')
    .description('addresses left for containers, per agent, network and half')
    .option('--network <name>', 'only of this network')
    .action(async ({ network: typed }: { readonly network?: string }) => {
      const network = typed === undefined ? '' : parseNetworkName(typed);
      const capacities = await withMaster(context.globals(), (master) =>
        readAllPages(async (pageToken) => {
          const page = await master.getCapacity({ network, minFree: 0n, pageSize: 0, pageToken });
          return { items: page.capacities, nextPageToken: page.nextPageToken };
        }),
      );
      printAnswer(context, {
        json: () => ({ capacities: capacities.map(capacityJson) }),
        text: () => renderCapacities(capacities),
      });
    });
}
