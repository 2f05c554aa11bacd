import { describe, expect, it } from '@jest/globals';
import { POLL_MS, planNextPoll } from './plan-next-poll.js';

describe('planNextPoll', () => {
  it('is steady while all goes well, and slower for a slow state', () => {
    expect(planNextPoll({ failures: 0, lastMs: 20 }, 0.9)).toBe(POLL_MS);
    expect(planNextPoll({ failures: 0, lastMs: 2_000 }, 0.9)).toBe(8_000);
  });

  it('backs off with every failure up to half a minute, spread by chance', () => {
    const longest = [1, 2, 3, 4, 5, 60].map((failures) => planNextPoll({ failures, lastMs: 0 }, 1));
    expect(longest).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(planNextPoll({ failures: 3, lastMs: 0 }, 0)).toBe(4_000);
  });
});
