import { describe, expect, it } from '@jest/globals';
import { repeat } from './repeat.js';

describe('repeat', () => {
  it('runs until the signal aborts, also after failures', async () => {
    const controller = new AbortController();
    const waits: number[] = [];
    const errors: unknown[] = [];
    let runs = 0;
    await repeat({
      clock: {
        sleep: async (durationMs) => {
          waits.push(durationMs);
        },
      },
      intervalMs: 70,
      signal: controller.signal,
      run: async () => {
        runs += 1;
        if (runs === 3) controller.abort();
        throw new Error(`run ${runs}`);
      },
      onError: (error) => errors.push(error),
    });
    expect(waits).toEqual([70, 70, 70, 70]);
    expect(errors).toEqual([new Error('run 1'), new Error('run 2'), new Error('run 3')]);
  });
});
