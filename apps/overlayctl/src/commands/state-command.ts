import { isFailure, OverlayError } from '@overlay/failure';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { type MasterClient, withMaster } from '../connect-master.js';
import { stateJson } from '../json/state-json.js';
import { renderState } from '../render/render-state.js';

/** Adds `state`. */
export function addStateCommand(program: Command, context: CommandContext): void {
  program
    .command('state')
    .description('the whole cluster at a glance; with --json as GET /overlay-master/state answers it')
    .action(async () => {
      const state = await withMaster(context.globals(), readState);
      printAnswer(context, { json: () => stateJson(state), text: () => renderState(state) });
    });
}

async function readState(master: MasterClient) {
  try {
    return await master.getState({});
  } catch (thrown) {
    if (!isFailure(thrown, 'failed_precondition')) throw thrown;
    const wayOut = 'use "overlayctl network ls" and "overlayctl agent ls", which read page by page';
    throw new OverlayError(thrown.code, `the state is too large for one answer: ${wayOut}`, {
      cause: thrown,
    });
  }
}
