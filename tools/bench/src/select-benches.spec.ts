import { describe, expect, it } from '@jest/globals';
import type { Bench } from './bench.js';
import { BENCHES } from './benches.js';
import { selectBenches } from './select-benches.js';

const [allocation, fanOut] = ['allocation', 'fan-out'].map(benchNamed);

describe('selectBenches', () => {
  const benches = [allocation, fanOut].filter((bench) => bench !== undefined);

  it('answers all for no name', () => {
    expect(selectBenches(benches, [])).toEqual(benches);
  });

  it('answers the named ones in the order given', () => {
    expect(selectBenches(benches, ['fan-out', 'allocation'])).toEqual([fanOut, allocation]);
  });

  it('names the known ones for an unknown name', () => {
    const select = () => selectBenches(benches, ['allocations']);
    expect(select).toThrow('there is no bench "allocations"; there are: allocation, fan-out');
    expect(select).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

describe('BENCHES', () => {
  it('have names that make distinct file names', () => {
    const names = BENCHES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]+$/);
  });
});

function benchNamed(name: string): Bench {
  return { name, description: name, run: async () => ({ measurements: [] }) };
}
