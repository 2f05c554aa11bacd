import type { Capacity } from '@overlay/contracts';
import { halfWord } from '../half-word.js';
import { renderTable } from './render-table.js';

/** Addresses left, as a table. */
export function renderCapacities(capacities: readonly Capacity[]): string {
  if (capacities.length === 0) return 'no agent reports addresses';
  return renderTable(
    [
      'AGENT',
      'NETWORK',
      'HALF',
      'FAMILY',
      'FREE',
      'USED',
      'RESERVED',
      'COOLING',
      'TOTAL',
      'BURST',
      'EXHAUSTED SINCE',
    ],
    capacities.map((capacity) => [
      capacity.silent ? `${capacity.agentIp} (silent)` : capacity.agentIp,
      capacity.network,
      halfWord(capacity.half),
      `IPv${capacity.family}`,
      String(capacity.free),
      String(capacity.used),
      String(capacity.reserved),
      String(capacity.cooling),
      String(capacity.total),
      String(capacity.largestBurst),
      capacity.exhaustedSinceMs === 0n ? '' : new Date(Number(capacity.exhaustedSinceMs)).toISOString(),
    ]),
  );
}

/** A row that changed, as one line. */
export function renderCapacityChange(capacity: Capacity, at: Date): string {
  const { agentIp, network, half, family, total, free, cooling, used } = capacity;
  const what = `${at.toISOString()} ${agentIp} ${network} ${halfWord(half)} IPv${family}`;
  if (total === 0n) return `${what}: gone`;
  const exhausted = capacity.exhaustedSinceMs === 0n ? '' : ', exhausted';
  const silent = capacity.silent ? ', silent' : '';
  return `${what}: ${free} free, ${cooling} cooling, ${used} used of ${total}${exhausted}${silent}`;
}
