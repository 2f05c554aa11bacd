import { describe, expect, it } from '@jest/globals';
import { parseNodeId } from '@overlay/model';
import fc from 'fast-check';
import { HostRows } from './host-rows.js';

interface Row {
  readonly agentIp: string;
  readonly name: string;
  readonly turn: number;
}

const NODES = ['n1', 'n10', 'n2'].map(parseNodeId);
const IPS = ['10.0.0.1', '10.0.0.10', '10.0.0.2'];
const nameOf = ({ name }: Row) => name;

const reports = fc.array(
  fc.record({
    node: fc.constantFrom(...NODES),
    agentIp: fc.constantFrom(...IPS),
    names: fc.uniqueArray(fc.constantFrom('a', 'b', 'b\n', 'c', 'é', '~'), { maxLength: 5 }),
  }),
  { maxLength: 20 },
);

describe('HostRows', () => {
  it('reads what a naive sort of the last reports reads, from any key and of any agent', () => {
    const probe = fc
      .tuple(fc.constantFrom('', ...IPS), fc.constantFrom('', '\n', '\nn1\n', '\nn10\nb', '\nn2\nz\n'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(reports, probe, (calls, key) => {
        const index = new HostRows<Row>(nameOf);
        const last = new Map<string, readonly Row[]>();
        for (const [turn, { node, agentIp, names }] of calls.entries()) {
          const rows = names.map((name) => ({ agentIp, name, turn }));
          index.replace(node, last.get(node) ?? [], rows);
          last.set(node, rows);
        }
        const naive = [...last]
          .flatMap(([node, rows]) =>
            rows.map((row) => ({ key: `${row.agentIp}\n${node}\n${row.name}`, row })),
          )
          .sort((a, b) => (a.key < b.key ? -1 : 1));
        expect([...index.after(undefined)]).toEqual(naive);
        expect([...index.after(key)]).toEqual(naive.filter((row) => row.key > key));
        for (const entry of naive) {
          expect([...index.after(entry.key)]).toEqual(naive.filter((row) => row.key > entry.key));
        }
        for (const ip of IPS) {
          const wanted = naive.filter((entry) => entry.key > key && entry.row.agentIp === ip);
          expect([...index.after(key, ip)]).toEqual(wanted);
        }
      }),
    );
  });

  it('keeps the later of two rows with one key', () => {
    const index = new HostRows<Row>(nameOf);
    const rows = [1, 2].map((turn) => ({ agentIp: '10.0.0.1', name: 'a', turn }));
    index.replace(parseNodeId('n1'), [], rows);
    expect([...index.after(undefined)].map(({ row }) => row)).toEqual(rows.slice(1));
  });
});
