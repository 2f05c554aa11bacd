import type { GetStateResponse } from '@overlay/contracts';
import type { Command } from 'commander';
import { type CommandContext, printAnswer } from '../command-context.js';
import { type MasterClient, withMaster } from '../connect-master.js';
import { stateJson } from '../json/state-json.js';
import { renderState } from '../render/render-state.js';
import { readAgents } from './read-agents.js';

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

/** The agents come page by page: the state of many is too large for one answer. */
async function readState(master: MasterClient): Promise<GetStateResponse> {
  const state = await master.getState({ withoutAgents: true });
  return { ...state, agents: [...(await readAgents(master))] };
}
