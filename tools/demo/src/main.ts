import { Command, InvalidArgumentError } from 'commander';
import { MAX_DEMO_HOSTS, runDemo } from './demo.js';
import { stopKeptDemos } from './stop.js';
import { createTerminal } from './terminal.js';

interface Flags {
  readonly hosts: number;
  readonly keep?: boolean;
  readonly json?: boolean;
  readonly stop?: boolean;
}

const command = new Command('demo')
  .description(
    'Three hosts out of network namespaces, the overlay between them, and a proof that it carries.',
  )
  .option('--hosts <n>', `number of hosts, 1 to ${MAX_DEMO_HOSTS}`, parseHosts, 3)
  .option('--keep', 'leave everything running')
  .option('--stop', 'remove what --keep left running')
  .option('--json', 'print one JSON object as the last line of standard output')
  .action(async (flags: Flags) => {
    const terminal = createTerminal(flags.json === true ? process.stderr : process.stdout, process.env);
    if (flags.stop === true) {
      process.exitCode = await stopKeptDemos(terminal);
      return;
    }
    const report = await runDemo({ hosts: flags.hosts, keep: flags.keep === true }, terminal);
    if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.ok ? 0 : 1;
  });

await command.parseAsync();

function parseHosts(text: string): number {
  const hosts = Number(text);
  if (Number.isInteger(hosts) && hosts >= 1 && hosts <= MAX_DEMO_HOSTS) return hosts;
  throw new InvalidArgumentError(`a whole number from 1 to ${MAX_DEMO_HOSTS} is wanted.`);
}
