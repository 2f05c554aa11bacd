import type { GlobalOptions } from './global-options.js';
import type { Terminal } from './terminal.js';

/** What every command gets. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The options that stand for every command; read when a command runs. */
  readonly globals: () => GlobalOptions;
  /** Path of the program overlay-agent of this release. */
  readonly agentProgram: string;
}

/** Prints an answer: JSON for programs, text for people. The text is made only if it is wanted. */
export function printAnswer(
  { terminal, globals }: CommandContext,
  answer: { readonly json: () => unknown; readonly text: () => string },
): void {
  terminal.print(globals().json ? JSON.stringify(answer.json(), undefined, 2) : answer.text());
}
