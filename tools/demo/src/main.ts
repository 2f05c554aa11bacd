import { isFailure, toOverlayError } from '@overlay/failure';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { runDemo } from './demo.js';
import {
  type DemoOptions,
  LOG_KINDS,
  MAX_DEMO_HOSTS,
  MAX_DEMO_MASTERS,
  requireFitting,
} from './demo-options.js';
import { DEFAULT_DEMO_NAME, stopKeptDemos } from './stop.js';
import { createTerminal } from './terminal.js';

interface Flags {
  readonly hosts: number;
  readonly masters: number;
  readonly log: DemoOptions['log'];
  readonly killLeader?: boolean;
  readonly keep?: boolean;
  readonly json?: boolean;
  readonly stop?: boolean;
  readonly name: string;
}

const command = new Command('demo')
  .description(
    'Three hosts out of network namespaces, the overlay between them, and a proof that it carries.',
  )
  .option('--hosts <n>', `number of hosts, 1 to ${MAX_DEMO_HOSTS}`, parseCount(MAX_DEMO_HOSTS), 3)
  .option(
    '--masters <n>',
    `number of masters, 1 to ${MAX_DEMO_MASTERS}; several need --log etcd`,
    parseCount(MAX_DEMO_MASTERS),
    1,
  )
  .addOption(
    new Option('--log <where>', 'where the overlay log is kept').choices(LOG_KINDS).default('embedded'),
  )
  .option('--kill-leader', 'kill the leading master after the checks, and check again')
  .option('--keep', 'leave everything running')
  .option('--stop', 'remove what --keep left running')
  .option('--name <name>', 'name that --keep gives and --stop looks for', DEFAULT_DEMO_NAME)
  .option('--json', 'print one JSON object as the last line of standard output')
  .exitOverride()
  .action(async (flags: Flags) => {
    const terminal = createTerminal(flags.json === true ? process.stderr : process.stdout, process.env);
    if (flags.stop === true) {
      process.exitCode = await stopKeptDemos(flags.name, terminal);
      return;
    }
    const { hosts, masters, log, name } = flags;
    const wishes = { killLeader: flags.killLeader === true, keep: flags.keep === true };
    const options = { hosts, masters, log, name, ...wishes };
    requireFitting(options);
    const report = await runDemo(options, terminal);
    if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.ok ? 0 : 1;
  });

try {
  await command.parseAsync();
} catch (thrown) {
  process.exitCode = exitCodeFor(thrown);
}

function parseCount(max: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= 1 && count <= max) return count;
    throw new InvalidArgumentError(`a whole number from 1 to ${max} is wanted.`);
  };
}

/** 0 for help, 2 for a wrong command line, which commander has explained, 1 for what failed. */
function exitCodeFor(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  process.stderr.write(`demo: ${toOverlayError(thrown).message}\n`);
  return isFailure(thrown, 'invalid_argument') ? 2 : 1;
}
