import { type CheckResult, type DemoContainer, type DemoRuntime, OUTSIDE_NAME } from './check.js';
import type { Paint } from './terminal.js';

const RUNTIME_LABELS: Readonly<Record<DemoRuntime, string>> = {
  cni: 'cni',
  podman: 'podman',
  docker: 'docker',
  'by-hand': 'docker half',
};

/**
 * Who reaches whom in one network: a row per sender, a column per receiver, and the source address that the
 * outside saw. A cell is ✓ when ping and TCP both went through.
 */
export function renderMatrix(
  network: string,
  containers: readonly DemoContainer[],
  results: readonly CheckResult[],
  paint: Paint,
): readonly string[] {
  const members = containers.filter((container) => container.network === network);
  const numbers = members.map((_, index) => String(index + 1));
  const address = (container: DemoContainer): string => container.ipv4 ?? container.ipv6 ?? '';
  const labels = members.map((member) => `${member.host} ${RUNTIME_LABELS[member.runtime]}`);
  const width = {
    number: Math.max(...numbers.map((number) => number.length)),
    label: Math.max(...labels.map((label) => label.length)),
    address: Math.max(...members.map((member) => address(member).length)),
  };
  const indent = 2 + width.number + 2 + width.label + 2 + width.address;
  const header = `${paint.strong(network.padEnd(indent))}  ${numbers.map((number) => number.padStart(2)).join(' ')}   outside`;
  const rows = members.map((from, index) => {
    const start = [
      (numbers[index] ?? '').padStart(2 + width.number),
      (labels[index] ?? '').padEnd(width.label),
      address(from).padEnd(width.address),
    ].join('  ');
    const cells = members.map((to) =>
      to === from ? ` ${paint.faint('·')}` : cell(from.name, to.name, results, paint),
    );
    return `${start}  ${cells.join(' ')}   ${outsideCell(from.name, results, paint)}`;
  });
  return [header, ...rows];
}

function between(from: string, to: string, results: readonly CheckResult[]): readonly CheckResult[] {
  return results.filter((result) => result.from === from && result.to === to);
}

function cell(from: string, to: string, results: readonly CheckResult[], paint: Paint): string {
  const tried = between(from, to, results);
  if (tried.length === 0) return ' ?';
  return tried.every(({ ok }) => ok) ? ` ${paint.good('✓')}` : ` ${paint.bad('✗')}`;
}

function outsideCell(from: string, results: readonly CheckResult[], paint: Paint): string {
  const source = between(from, OUTSIDE_NAME, results).find((result) => result.source !== undefined)?.source;
  const mark = cell(from, OUTSIDE_NAME, results, paint).trim();
  return source === undefined ? mark : `${mark} as ${source}`;
}
