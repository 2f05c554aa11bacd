import { OverlayError } from '@overlay/failure';
import type { CommandOutcome, ContainerCommand, ContainerCommands } from './container-commands.js';

/** Containers in memory, for tests: what each answers a command, by container id. */
export class MemoryCommands implements ContainerCommands {
  readonly outcomes = new Map<string, CommandOutcome | 'hangs'>();
  readonly ran: ContainerCommand[] = [];

  run(command: ContainerCommand, signal: AbortSignal): Promise<CommandOutcome> {
    this.ran.push(command);
    const outcome = this.outcomes.get(command.containerId);
    return new Promise((resolve, reject) => {
      if (outcome === undefined) {
        reject(new OverlayError('not_found', `there is no container ${command.containerId}`));
      } else if (outcome === 'hangs') {
        const giveUp = () => reject(new OverlayError('deadline_exceeded', 'the command did not end in time'));
        signal.addEventListener('abort', giveUp, { once: true });
      } else {
        resolve(outcome);
      }
    });
  }
}
