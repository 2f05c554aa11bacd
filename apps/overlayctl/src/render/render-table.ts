import Table from 'cli-table3';
import { printable } from './printable.js';

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** The table library lays out all rows of a table at once and at a cost above linear, so it gets a few at a time. */
const ROWS_AT_ONCE = 50;

/**
 * A table for people: columns two blanks apart, no lines, no blanks at the ends of lines. Cells are made
 * printable.
 */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [[...head], ...rows.map((row) => row.map((cell) => (cell === '' ? '-' : printable(cell))))];
  const colWidths = head.map((_, column) =>
    lines.reduce((width, line) => Math.max(width, (line[column] ?? '').length), 0),
  );
  const blocks: string[] = [];
  for (let start = 0; start < lines.length; start += ROWS_AT_ONCE) {
    blocks.push(renderRows(lines.slice(start, start + ROWS_AT_ONCE), colWidths));
  }
  return blocks.join('\n');
}

function renderRows(rows: readonly string[][], colWidths: number[]): string {
  const style = { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true };
  const table = new Table({ chars: BORDERLESS, style, colWidths });
  table.push(...rows);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Two columns without a head: what, and its value. Rows without a value are left out. */
export function renderFacts(facts: readonly (readonly [label: string, value: string])[]): string {
  const told = facts.filter(([, value]) => value !== '');
  const width = Math.max(0, ...told.map(([label]) => label.length));
  return told.map(([label, value]) => `${label.padEnd(width)}  ${printable(value)}`).join('\n');
}
