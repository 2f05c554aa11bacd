// Prints "PASSED FAILED" of a jest result file. Skipped tests count as failed: nothing is skipped silently.
import { readFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
const result = JSON.parse(readFileSync(file, 'utf8'));
const failed =
  result.numFailedTests + result.numRuntimeErrorTestSuites + result.numPendingTests + result.numTodoTests;
process.stdout.write(`${result.numPassedTests} ${failed}\n`);
