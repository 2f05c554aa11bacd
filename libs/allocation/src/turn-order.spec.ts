import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TurnOrder } from './turn-order.js';

describe('TurnOrder', () => {
  it('agrees with a sorted list over any additions and removals', () => {
    const steps = fc.array(fc.record({ key: fc.nat({ max: 200 }), turn: fc.nat() }), { maxLength: 400 });
    fc.assert(
      fc.property(steps, (script) => {
        const order = new TurnOrder<number>();
        const model = new Map<number, number>();
        for (const { key, turn } of script) {
          const there = model.has(key);
          expect(order.turnOf(key)).toBe(model.get(key));
          if (there || ![...model.values()].includes(turn)) {
            expect(order.remove(key)).toBe(there);
            model.delete(key);
            if (!there) {
              order.add(key, turn);
              model.set(key, turn);
            }
          }
        }
        const sorted = [...model].map(([key, turn]) => ({ key, turn })).sort((a, b) => a.turn - b.turn);
        expect(order.count).toBe(sorted.length);
        expect(order.first()).toBe(sorted[0]?.key);
        expect([...order.ascending()]).toEqual(sorted);
        expect([...order.descending()]).toEqual(sorted.toReversed());
      }),
    );
  });
});
