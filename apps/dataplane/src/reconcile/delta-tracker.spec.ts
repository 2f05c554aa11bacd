import { describe, expect, it } from '@jest/globals';
import { parseCidr } from '@overlay/allocation';
import { route } from '../kernel/contract-objects.js';
import { type KernelObject, keyOf } from '../kernel/kernel-object.js';
import { DeltaTracker } from './delta-tracker.js';

const OURS = route(254, '9.0.2.0/24', 7);
const STRAY: KernelObject = {
  kind: 'route',
  table: 254,
  prefix: parseCidr('9.0.2.0/24'),
  target: { type: 'other', routeType: 'blackhole', text: '' },
};

describe('two objects under one key', () => {
  it.each([
    ['first', [STRAY, OURS]],
    ['last', [OURS, STRAY]],
  ])('takes the one that nobody writes for the second, though it comes %s', (_place, objects) => {
    const tracker = new DeltaTracker();
    expect(tracker.restart(objects)).toEqual([STRAY]);
    expect(tracker.have(keyOf(OURS))).toBe(OURS);
  });

  it('takes the one that is as wanted for the first, and the other one for the second', () => {
    const old = route(254, '9.0.2.0/24', 8);
    const tracker = new DeltaTracker();
    const surplus = tracker.restart([old, OURS]);
    tracker.want(OURS);
    expect(tracker.preferWanted(surplus)).toEqual([old]);
    expect(tracker.pending).toBe(0);
  });
});
