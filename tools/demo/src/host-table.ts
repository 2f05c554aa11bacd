import type { MasterState } from '@overlay/testbed';
import type { DemoHost } from './check.js';
import type { Paint } from './terminal.js';

/** What the master gave to each host: its VTEP and its block of each network. */
export function renderHosts(
  hosts: readonly DemoHost[],
  networks: readonly string[],
  state: MasterState,
  paint: Paint,
): readonly string[] {
  const rows = hosts.map(({ name, ipv4 }) => {
    const overlays = state.agents?.find(({ ip }) => ip === ipv4)?.overlays ?? [];
    const vtep = overlays.find(({ backend }) => backend !== undefined)?.backend?.vxlan.vtep_ip.split('/')[0];
    const blocks = networks.map((network) => {
      const overlay = overlays.find(({ info }) => info.name === network);
      return overlay?.subnet ?? overlay?.subnet6 ?? '-';
    });
    return [name, ipv4, vtep ?? '-', ...blocks];
  });
  const header = ['host', 'underlay', 'VTEP', ...networks];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [paint.strong(line(header)), ...rows.map(line)];
}
