import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OrderedMap } from './ordered-map.js';

/** Few keys beside the calls, so that keys repeat; enough calls that nodes split and merge. */
const steps = fc.array(
  fc.record({ act: fc.constantFrom('set', 'set', 'delete'), key: fc.integer({ min: 0, max: 400 }) }),
  { maxLength: 600, size: 'max' },
);

describe('OrderedMap', () => {
  it('does what a sorted array does', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: -1, max: 401 }), (calls, probe) => {
        const map = new OrderedMap<number, string>();
        const model = new Map<number, string>();
        for (const [turn, { act, key }] of calls.entries()) {
          if (act === 'set') {
            map.set(key, `${turn}`);
            model.set(key, `${turn}`);
          } else {
            expect(map.delete(key)).toBe(model.delete(key));
          }
        }
        const sorted = [...model].sort(([a], [b]) => a - b).map(([key, value]) => ({ key, value }));
        expect([...map.entries()]).toEqual(sorted);
        expect(map.lowest()).toEqual(sorted[0]);
        expect(map.ceiling(probe)).toEqual(sorted.find(({ key }) => key >= probe));
        expect([...map.entriesFrom(probe)]).toEqual(sorted.filter(({ key }) => key >= probe));
        expect(map.get(probe)).toBe(model.get(probe));
      }),
      { numRuns: 60 },
    );
  });

  it('orders strings by their code units', () => {
    const map = new OrderedMap<string, number>();
    for (const [at, key] of ['b', '10.0.0.2', 'a', '10.0.0.10'].entries()) map.set(key, at);
    expect([...map.entriesFrom('10.0.0.11')].map(({ key }) => key)).toEqual(['10.0.0.2', 'a', 'b']);
    expect(map.delete('a')).toBe(true);
    expect([...map.entries()].map(({ key }) => key)).toEqual(['10.0.0.10', '10.0.0.2', 'b']);
  });

  it('stays ordered while it grows to thousands of entries and shrinks to none', () => {
    const map = new OrderedMap<bigint, number>();
    const scattered = Array.from({ length: 5000 }, (_, index) => BigInt((index * 2741) % 5000));
    for (const key of scattered) map.set(key, Number(key));
    expect([...map.entries()].map(({ value }) => value)).toEqual(Array.from({ length: 5000 }, (_, at) => at));
    for (const key of scattered.slice(0, 4990)) expect(map.delete(key)).toBe(true);
    const left = scattered.slice(4990).sort((a, b) => Number(a - b));
    expect([...map.entries()].map(({ key }) => key)).toEqual(left);
    for (const key of left) expect(map.delete(key)).toBe(true);
    expect(map.lowest()).toBeUndefined();
    expect(map.delete(0n)).toBe(false);
    map.set(7n, 7);
    expect(map.lowest()).toEqual({ key: 7n, value: 7 });
  });
});
