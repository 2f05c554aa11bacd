import { describe, expect, it } from '@jest/globals';
import { describeFreshness } from './freshness.js';

describe('describeFreshness', () => {
  it('counts from the last sighting', () => {
    expect(describeFreshness({ kind: 'loading' }, 0)).toEqual({ headline: 'Loading…', detail: '' });
    expect(describeFreshness({ kind: 'live', seenAtMs: 1_000 }, 4_100)).toEqual({
      headline: 'Live',
      detail: 'seen 3 s ago',
    });
  });

  it('tells why the master doubts what it shows', () => {
    const doubtful = { kind: 'doubtful', reason: 'leader: no master leads', seenAtMs: 1_000 } as const;
    expect(describeFreshness(doubtful, 4_100)).toEqual({
      headline: 'May be out of date: leader: no master leads',
      detail: 'seen 3 s ago',
    });
  });

  it('tells how old a stale state is and when it is tried again', () => {
    const stale = { kind: 'stale', reason: 'it is down', retryAtMs: 303_000 } as const;
    expect(describeFreshness({ ...stale, seenAtMs: 0 }, 300_000)).toEqual({
      headline: 'Stale: it is down',
      detail: 'shown is the state of 5 min ago; next try in 3 s',
    });
    expect(describeFreshness({ ...stale, seenAtMs: undefined }, 304_000).detail).toBe(
      'nothing seen yet; next try in 0 s',
    );
  });
});
