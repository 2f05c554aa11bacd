import { parseNetworkName } from '@overlay/model';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { withMaster } from '../connect-master.js';
import { containerJson } from '../json/container-json.js';
import { readAllPages } from '../read-pages.js';
import { renderContainers } from '../render/render-containers.js';
import { addContainerProbe } from './container-probe-command.js';

/** Adds `container ls` and `container probe`. */
export function addContainerCommands(program: Command, context: CommandContext): void {
  const container = program.command('container').description('containers that agents reported');
  container
    .command('ls')
    .description('list the containers and their addresses')
    .option('--network <name>', 'only of this network')
    .action(async ({ network: typed }: { readonly network?: string }) => {
      const network = typed === undefined ? '' : parseNetworkName(typed);
      const containers = await withMaster(context.globals(), (master) =>
        readAllPages(async (pageToken) => {
          const page = await master.listContainers({ network, agentIp: '', pageSize: 0, pageToken });
          return { items: page.containers, nextPageToken: page.nextPageToken };
        }),
      );
      printAnswer(context, {
        json: () => ({ containers: containers.map(containerJson) }),
        text: () => renderContainers(containers),
      });
    });
  addContainerProbe(container, context);
}
