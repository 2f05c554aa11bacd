import { describe, expect, it } from '@jest/globals';
import { SILENT_AFTER_MS, watchSilence } from './silent-agents.js';

describe('watchSilence', () => {
  it('has those marked that were not heard for the time of a report and some more, until it is stopped', async () => {
    const stop = new AbortController();
    const marked: number[] = [];
    let nowMs = 50_000;
    const clock = {
      monotonicMs: () => nowMs,
      sleep: (durationMs: number) => {
        nowMs += durationMs;
        if (marked.length === 3) stop.abort();
        return Promise.resolve();
      },
    };
    await watchSilence({ markSilent: (sinceMs) => marked.push(sinceMs) }, clock, stop.signal);
    const first = 50_000 - SILENT_AFTER_MS;
    expect(marked).toEqual([first, first + 2_000, first + 4_000]);
  });
});
