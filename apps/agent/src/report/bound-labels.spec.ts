import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { boundLabels, LABELS_MAX_BYTES, LEFT_OUT_LABEL, leftOutCount } from './bound-labels.js';

describe('boundLabels', () => {
  it('leaves labels that fit as they are', () => {
    const labels = { b: 'x'.repeat(LABELS_MAX_BYTES - 2), a: '' };
    expect(boundLabels(labels, LABELS_MAX_BYTES)).toBe(labels);
  });

  it('leaves whole labels out from the end of the order of their keys, and counts them', () => {
    const labels = { c: 'x', b: 'x'.repeat(LABELS_MAX_BYTES), a: 'kept' };
    expect(boundLabels(labels, LABELS_MAX_BYTES)).toEqual({ a: 'kept', [LEFT_OUT_LABEL]: '2' });
  });

  it('never exceeds the limit, and counts each label once however often labels are bound', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 200 })),
        fc.array(fc.integer({ min: 64, max: 1000 }), { minLength: 1, maxLength: 4 }),
        (labels, limits) => {
          let bound: Readonly<Record<string, string>> = labels;
          for (const limit of limits) {
            bound = boundLabels(bound, limit);
            const bytes = Object.entries(bound).reduce((sum, [key, value]) => {
              return sum + Buffer.byteLength(key) + Buffer.byteLength(value);
            }, 0);
            expect(bytes).toBeLessThanOrEqual(limit);
          }
          const kept = Object.keys(bound).filter((key) => key !== LEFT_OUT_LABEL);
          expect(kept.length + leftOutCount(bound)).toBe(Object.keys(labels).length);
        },
      ),
    );
  });
});
