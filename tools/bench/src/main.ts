import { fileURLToPath } from 'node:url';
import { isFailure, toOverlayError } from '@overlay/failure';
import { Command, CommanderError } from 'commander';
import { BENCHES } from './benches.js';
import { formatTable } from './format-table.js';
import { selectBenches } from './select-benches.js';
import { writeResult } from './write-result.js';

const RESULTS_FOLDER = fileURLToPath(new URL('../../../bench/results', import.meta.url));

const program = new Command('npm run bench --')
  .description('Measures the product beside its counterparts, in one run on one machine.')
  .argument('[names...]', 'the benches to run; all without a name')
  .addHelpText(
    'after',
    `\nBenches:\n${BENCHES.map(({ name, description }) => `  ${name}  ${description}\n`).join('')}`,
  )
  .exitOverride()
  .action(runBenches);

async function runBenches(names: readonly string[]): Promise<void> {
  for (const bench of selectBenches(BENCHES, names)) {
    const result = await bench.run();
    const path = await writeResult(RESULTS_FOLDER, bench.name, result);
    process.stdout.write(`${bench.name}\n${formatTable(result)}written to ${path}\n\n`);
  }
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
