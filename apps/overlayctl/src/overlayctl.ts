import { toOverlayError } from '@overlay/failure';
import { Command, CommanderError } from 'commander';
import type { CommandContext } from './command-context.js';
import { addAgentCommands } from './commands/agent-commands.js';
import { addCapacityCommand } from './commands/capacity-command.js';
import { addContainerCommands } from './commands/container-commands.js';
import { addHostCommands } from './commands/host-commands.js';
import { addLogCommands } from './commands/log-commands.js';
import { addNetworkCommands } from './commands/network-commands.js';
import { addStateCommand } from './commands/state-command.js';
import { type ExitCode, exitCodeOf } from './exit-code.js';
import { DEFAULT_MASTER, DEFAULT_TIMEOUT_SECONDS, readGlobalOptions } from './global-options.js';
import type { Terminal } from './terminal.js';

/** What the command line lives on. */
export interface OverlayctlDeps {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
}

/**
 * Runs one command line. Never rejects: failures are told on the terminal and in the exit code.
 * @param args the arguments behind the program's name.
 */
export async function runOverlayctl(args: readonly string[], deps: OverlayctlDeps): Promise<ExitCode> {
  const { terminal } = deps;
  try {
    await createProgram(deps).parseAsync([...args], { from: 'user' });
    return 0;
  } catch (thrown) {
    // commander has told its own errors already; help and version end the same way, with exit code 0.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    terminal.warn(`overlayctl: ${toOverlayError(thrown).message}`);
    return exitCodeOf(thrown);
  }
}

function createProgram({ terminal, environment, version }: OverlayctlDeps): Command {
  const program = new Command('overlayctl')
    .description('Shows and changes an overlay: its networks, agents, containers and addresses.')
    .version(version)
    .option('--master <address>', `the master's gRPC address (default: $OVERLAY_MASTER or ${DEFAULT_MASTER})`)
    .option('--json', 'answer in JSON, for programs')
    .option('--timeout <seconds>', `how long one call may take (default: ${DEFAULT_TIMEOUT_SECONDS})`)
    .option('--tls-ca <file>', 'authority that signed the certificates of the servers')
    .option('--tls-cert <file>', 'own certificate')
    .option('--tls-key <file>', 'key of the own certificate')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 called wrongly.')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.warn(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'overlayctl: ')),
    });
  const context: CommandContext = {
    terminal,
    globals: () => ({
      ...readGlobalOptions(program.opts(), environment),
      warn: (text) => terminal.warn(text),
    }),
  };
  addNetworkCommands(program, context);
  addAgentCommands(program, context);
  addContainerCommands(program, context);
  addCapacityCommand(program, context);
  addStateCommand(program, context);
  addLogCommands(program, context);
  addHostCommands(program, context);
  return program;
}
