import { describe, expect, it } from '@jest/globals';
import type { Clock } from '@overlay/service';
import { untilAddressMoves } from './until-address-moves.js';

const MASTER = { host: '10.0.0.1', port: 5060 };

/** Asks a kernel that answers as listed; undefined is no route. The signal aborts when the list is at its end. */
async function movesOver(...answers: readonly (string | undefined)[]): Promise<boolean> {
  const ending = new AbortController();
  let asked = 0;
  const routeSource = async () => {
    const answer = answers[asked];
    asked += 1;
    if (asked === answers.length) ending.abort();
    if (answer === undefined) throw new Error('connect ENETUNREACH');
    return answer;
  };
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => undefined };
  return untilAddressMoves(MASTER, { routeSource, clock }, ending.signal);
}

describe('untilAddressMoves', () => {
  it.each([
    ['another address', true, ['10.0.0.7', '10.0.0.7', '10.0.0.8']],
    ['another address after none', true, ['10.0.0.7', undefined, '10.0.0.8', '10.0.0.8']],
    ['a first address', true, [undefined, undefined, '10.0.0.7']],
    ['the same address after none', false, ['10.0.0.7', undefined, '10.0.0.7']],
    ['no address any more', false, ['10.0.0.7', undefined, undefined]],
  ])('takes %s for a move: %p', async (_, moved, answers) => {
    expect(await movesOver(...answers)).toBe(moved);
  });
});
