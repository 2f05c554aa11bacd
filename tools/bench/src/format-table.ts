import { type BenchResult, goalReached, type Measurement, ratioOf } from './bench.js';

const COLUMNS = ['measure', 'unit', 'overlay', 'counterpart', '', 'ratio', 'goal', ''] as const;

/** A table for people: one line for each measurement; a ratio above 1 means that the product is better. */
export function formatTable(result: BenchResult): string {
  const rows = [[...COLUMNS], ...result.measurements.map(cellsOf)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function cellsOf(measurement: Measurement): string[] {
  const { what, unit, better, product, counterpart, goal } = measurement;
  const reached = goalReached(measurement);
  return [
    what,
    unit,
    figure(product),
    counterpart.name,
    figure(counterpart.figure),
    `${figure(ratioOf(measurement))}x`,
    goal === undefined ? '' : `${better === 'higher' ? '>=' : '<='} ${figure(goal)}`,
    reached === undefined ? '' : reached ? 'reached' : 'MISSED',
  ];
}

/** Three significant digits below a thousand, whole numbers in groups of three above, powers of ten beyond. */
function figure(value: number): string {
  if (value >= 1e12) return value.toExponential(2);
  return value.toLocaleString(
    'en-US',
    value < 1000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  );
}
