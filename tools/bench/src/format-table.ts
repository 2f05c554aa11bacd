import { type BenchResult, goalReached, type Measurement, ratioOf } from './bench.js';

const COLUMNS = ['measure', 'unit', 'overlay', 'counterpart', '', 'ratio', 'goal', ''] as const;
/** Behind the others, where any measurement has a limit: the limit, and the product's share of it. */
const LIMIT_COLUMNS = ['limit', '', 'share'] as const;

/** A table for people: one line for each measurement; a ratio above 1 means that the product is better. */
export function formatTable(result: BenchResult): string {
  const limited = result.measurements.some(({ limit }) => limit !== undefined);
  const columns = limited ? [...COLUMNS, ...LIMIT_COLUMNS] : COLUMNS;
  const rows = [[...columns], ...result.measurements.map(cellsOf)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
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
    ...limitCellsOf(measurement),
  ];
}

function limitCellsOf({ better, product, limit }: Measurement): string[] {
  if (limit === undefined) return [];
  const share = better === 'higher' ? product / limit.figure : limit.figure / product;
  return [limit.name, figure(limit.figure), `${figure(share)}x`];
}

/** Three significant digits below a thousand, whole numbers in groups of three above, powers of ten beyond. */
function figure(value: number): string {
  if (value >= 1e12) return value.toExponential(2);
  return value.toLocaleString(
    'en-US',
    value < 1000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  );
}
