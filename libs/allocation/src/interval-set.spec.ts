import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BIGINTS, NUMBERS } from './integers.js';
import { IntervalSet } from './interval-set.js';

const LIMIT = 200;
const steps = fc.array(
  fc.record({
    act: fc.constantFrom('insert', 'remove'),
    first: fc.integer({ min: 0, max: LIMIT }),
    length: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 30 })),
  }),
  { maxLength: 200 },
);

describe('IntervalSet', () => {
  it('holds what a plain set holds, as intervals that are sorted, disjoint and apart', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: LIMIT }), (calls, probe) => {
        const set = new IntervalSet(NUMBERS);
        const model = new Set<number>();
        for (const { act, first, length } of calls) {
          const range = Array.from({ length }, (_, offset) => first + offset);
          const sizeBefore = model.size;
          for (const value of range) {
            if (act === 'insert') model.add(value);
            else model.delete(value);
          }
          const last = first + length - 1;
          const changed = act === 'insert' ? set.insert(first, last) : set.remove(first, last);
          expect(changed).toBe(model.size !== sizeBefore);
        }
        const intervals = [...set.intervals()];
        for (const [at, { first, last }] of intervals.entries()) {
          expect(first).toBeLessThanOrEqual(last);
          expect(first).toBeGreaterThan((intervals[at - 1]?.last ?? -2) + 1);
        }
        const members = [...model].sort((a, b) => a - b);
        expect(intervals.flatMap(membersOf)).toEqual(members);
        expect(set.count).toBe(members.length);
        expect(set.lowest()).toBe(members[0]);
        expect(set.contains(probe)).toBe(model.has(probe));
        expect(members.map(() => set.takeLowest())).toEqual(members);
        expect(set.takeLowest()).toBeUndefined();
        expect(set.count).toBe(0);
      }),
    );
  });

  it('joins what touches', () => {
    const set = new IntervalSet(BIGINTS);
    set.insert(2n ** 72n);
    set.insert(2n ** 72n + 2n);
    expect([...set.intervals()]).toHaveLength(2);
    set.insert(2n ** 72n + 1n);
    expect([...set.intervals()]).toEqual([{ first: 2n ** 72n, last: 2n ** 72n + 2n }]);
    expect(set.count).toBe(3n);
  });

  it('cuts an interval in two', () => {
    const set = new IntervalSet(BIGINTS);
    set.insert(0n, 2n ** 100n);
    set.remove(5n, 2n ** 99n);
    expect([...set.intervals()]).toEqual([
      { first: 0n, last: 4n },
      { first: 2n ** 99n + 1n, last: 2n ** 100n },
    ]);
    expect(set.count).toBe(2n ** 99n + 5n);
  });
});

function membersOf({ first, last }: { readonly first: number; readonly last: number }): number[] {
  return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
}
