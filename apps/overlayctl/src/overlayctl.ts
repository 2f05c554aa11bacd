import { OverlayError, toOverlayError } from '@overlay/failure';
import { type OverlayctlConfig, overlayctlConfiguration } from '@overlay/model';
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
import { readGlobalOptions, type TypedOptions } from './global-options.js';
import { printableLines } from './render/printable.js';
import { addSharedFlags, typedFlags } from './shared-flags.js';
import type { Terminal } from './terminal.js';

/** What the command line lives on. */
export interface OverlayctlDeps {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Path of the program overlay-agent of this release. */
  readonly agentProgram: string;
}

/**
 * Runs one command line. Never rejects: failures are told on the terminal and in the exit code.
 * @param args the arguments behind the program's name.
 */
export async function runOverlayctl(args: readonly string[], deps: OverlayctlDeps): Promise<ExitCode> {
  const { terminal } = deps;
  try {
    const program = createProgram(deps);
    const rest = program.parseOptions([...args]);
    if (program.opts().checkConfig === true) {
      return await checkConfig(terminal, typedFlags(program), [...rest.operands, ...rest.unknown]);
    }
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (thrown) {
    // commander has told its own errors already; help and version end the same way, with exit code 0.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    tellFailure(terminal, thrown);
    return exitCodeOf(thrown);
  }
}

function createProgram({ terminal, environment, version, agentProgram }: OverlayctlDeps): Command {
  const program = new Command('overlayctl')
    .description('Shows and changes an overlay: its networks, agents, containers and addresses.')
    .version(version)
    .option('--check-config', 'check the configuration, list every wrong key, and exit')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 called wrongly.')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.warn(printableLines(text)),
      outputError: (text, write) => write(text.replace(/^error: /, 'overlayctl: ')),
    });
  let typed: TypedOptions = {};
  let config = overlayctlConfiguration.defaults();
  const context: CommandContext = {
    terminal,
    agentProgram,
    globals: () => ({
      ...readGlobalOptions(typed, environment, config),
      warn: (text) => terminal.warn(printableLines(text)),
    }),
  };
  addNetworkCommands(program, context);
  addAgentCommands(program, context);
  addContainerCommands(program, context);
  addCapacityCommand(program, context);
  addStateCommand(program, context);
  addLogCommands(program, context);
  addHostCommands(program, context);
  addSharedFlags(program);
  return program.hook('preAction', async (_program, command) => {
    typed = typedFlags(command);
    if (typed.config !== undefined) config = await readConfig(typed);
  });
}

/** Exits 1 and not 2 for a configuration that is wrong, as every program here does. */
async function checkConfig(
  terminal: Terminal,
  typed: TypedOptions,
  rest: readonly string[],
): Promise<ExitCode> {
  if (rest.length > 0) {
    const description = `takes no command: leave out ${rest.join(' ')}`;
    throw OverlayError.invalid([{ field: '--check-config', description }], 'command');
  }
  try {
    await readConfig(typed);
  } catch (thrown) {
    tellFailure(terminal, thrown);
    return 1;
  }
  terminal.print('overlayctl: the configuration is right');
  return 0;
}

/** Servers, logs and files have a say in most failures, and shall not steer the terminal. */
function tellFailure(terminal: Terminal, thrown: unknown): void {
  terminal.warn(`overlayctl: ${printableLines(toOverlayError(thrown).message)}`);
}

async function readConfig({ config }: TypedOptions): Promise<OverlayctlConfig> {
  // Loaded here, so that command lines without a configuration do not wait for it.
  const { readConfiguration } = await import('@overlay/service');
  return readConfiguration(overlayctlConfiguration, config);
}
