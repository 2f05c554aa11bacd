import { fileURLToPath } from 'node:url';
import { isFailure, toOverlayError } from '@overlay/failure';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { BenchSizes } from './bench.js';
import { BENCHES } from './benches.js';
import { formatTable } from './format-table.js';
import { selectBenches } from './select-benches.js';
import { writeResult } from './write-result.js';

const RESULTS_FOLDER = fileURLToPath(new URL('../../../bench/results', import.meta.url));

const program = new Command('npm run bench --')
  .description('Measures the product beside its counterparts, in one run on one machine.')
  .argument('[names...]', 'the benches to run; all without a name')
  .option('--agents <counts>', 'numbers of agents present, like 1000,100000', readCounts)
  .option('--recovered <count>', 'agents in the log that a master recovers', readCount)
  .option('--sizes <counts>', 'numbers of peers that a host gets, like 1000,10000', readCounts)
  .option('--seconds <count>', 'how long each rate is measured', readCount)
  .addHelpText(
    'after',
    `\nBenches:\n${BENCHES.map(({ name, description }) => `  ${name}  ${description}\n`).join('')}`,
  )
  .exitOverride()
  .action(runBenches);

async function runBenches(names: readonly string[], sizes: BenchSizes): Promise<void> {
  for (const bench of selectBenches(BENCHES, names)) {
    const result = await bench.run(sizes);
    const path = await writeResult(RESULTS_FOLDER, bench.name, result);
    process.stdout.write(`${bench.name}\n${formatTable(result)}written to ${path}\n\n`);
  }
}

function readCounts(text: string): readonly number[] {
  return text.split(',').map(readCount);
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`"${text}" is no whole number from 1 to 9999999.`);
}

/** 0 for help, 2 for a wrong command line, 1 for a bench that failed. */
function exitCodeFor(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  process.stderr.write(`${toOverlayError(thrown).message}\n`);
  return isFailure(thrown, 'invalid_argument') ? 2 : 1;
}

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = exitCodeFor(thrown);
}
