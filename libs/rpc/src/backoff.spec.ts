import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { backoffMs } from './backoff.js';

const policies = fc.record({
  baseMs: fc.integer({ min: 1, max: 10_000 }),
  capMs: fc.integer({ min: 1, max: 600_000 }),
});
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempts = fc.nat({ max: 2_000 });

describe('backoffMs', () => {
  it('stays within zero and the cap, at any attempt', () => {
    fc.assert(
      fc.property(attempts, policies, randoms, (attempt, policy, random) => {
        const waitMs = backoffMs(attempt, policy, () => random);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThan(policy.capMs);
      }),
    );
  });

  it('doubles its bound with every attempt until the cap', () => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), policies, (attempt, policy) => {
        const bound = (of: number) => backoffMs(of, policy, () => 1);
        expect(bound(attempt)).toBe(Math.min(policy.capMs, policy.baseMs * 2 ** attempt));
        expect(bound(attempt + 1)).toBe(Math.min(policy.capMs, 2 * policy.baseMs * 2 ** attempt));
      }),
    );
  });

  it('spreads hosts over the whole of the bound', () => {
    fc.assert(
      fc.property(attempts, policies, randoms, (attempt, policy, random) => {
        const bound = backoffMs(attempt, policy, () => 1);
        expect(backoffMs(attempt, policy, () => 0)).toBe(0);
        expect(backoffMs(attempt, policy, () => random)).toBeCloseTo(random * bound, 6);
      }),
    );
  });
});
