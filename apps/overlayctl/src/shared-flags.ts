import { overlayctlConfiguration } from '@overlay/model';
import { type Command, Option } from 'commander';
import type { TypedOptions } from './global-options.js';

/** The flags that stand for every command, as the program's own help shows them. */
const OUTER = sharedFlags();

/** The same behind the name of a command, where its help tells only what is its own. */
const INNER = sharedFlags().map((flag) => flag.hideHelp());

/**
 * Gives the program and every command below it the flags that stand for all of them, before or after the command.
 * A command that has a flag of that name itself keeps it: `--config` before `log verify` is overlayctl's own
 * configuration, behind it the master's. Call it when every command is there.
 */
export function addSharedFlags(program: Command): void {
  for (const flag of OUTER) program.addOption(flag);
  addBelow(program);
}

/** The shared flags as they were typed, wherever they stood; where one was given twice, the one nearer to the end. */
export function typedFlags(command: Command): TypedOptions {
  const outer = command.parent === null ? {} : typedFlags(command.parent);
  const flags = [...OUTER, ...INNER].filter((flag) => command.options.includes(flag));
  const typed = flags.flatMap((flag) => {
    const name = flag.attributeName();
    const value: unknown = command.getOptionValue(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...outer, ...Object.fromEntries(typed) };
}

function addBelow(command: Command): void {
  // Without this a command would leave none of its flags to those below it.
  command.enablePositionalOptions();
  for (const inner of command.commands) {
    const own = new Set(inner.options.map(({ long }) => long));
    for (const flag of INNER) if (!own.has(flag.long)) inner.addOption(flag);
    addBelow(inner);
  }
}

function sharedFlags(): readonly Option[] {
  const { master, timeoutSeconds } = overlayctlConfiguration.defaults();
  return [
    new Option('--config <file>', "overlayctl's own configuration, in YAML or JSON"),
    new Option('--master <address>', `the master's gRPC address (default: $OVERLAY_MASTER or ${master})`),
    new Option('--json', 'answer in JSON, for programs'),
    new Option('--no-json', 'answer in text, whatever the configuration says'),
    new Option('--timeout <seconds>', `how long one call may take (default: ${timeoutSeconds})`),
    new Option('--tls-ca <file>', 'authority that signed the certificates of the servers'),
    new Option('--tls-cert <file>', 'own certificate'),
    new Option('--tls-key <file>', 'key of the own certificate'),
  ];
}
