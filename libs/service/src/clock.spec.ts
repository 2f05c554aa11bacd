import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from './clock.js';

const FOREVER_MS = Number.MAX_SAFE_INTEGER;

describe('systemClock', () => {
  it('tells the time in milliseconds since 1970, and a time that only grows', () => {
    expect(new Date(systemClock.nowMs()).getFullYear()).toBeGreaterThan(2020);
    const readings = Array.from({ length: 100 }, () => systemClock.monotonicMs());
    expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  });

  it('sleeps at least as long as it was told', async () => {
    const before = systemClock.monotonicMs();
    await systemClock.sleep(20);
    expect(systemClock.monotonicMs() - before).toBeGreaterThanOrEqual(19);
  });

  it('wakes when its signal aborts, however long the sleep', async () => {
    const controller = new AbortController();
    let awake = false;
    const sleeps = [FOREVER_MS, Number.POSITIVE_INFINITY, 60_000].map(async (durationMs) => {
      await systemClock.sleep(durationMs, controller.signal);
      awake = true;
    });
    await systemClock.sleep(10);
    expect(awake).toBe(false);
    controller.abort();
    await Promise.all(sleeps);
    expect(awake).toBe(true);
  });

  it('does not sleep when its signal has aborted', async () => {
    await expect(systemClock.sleep(FOREVER_MS, AbortSignal.abort())).resolves.toBeUndefined();
  });

  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    for (let round = 0; round < 20; round += 1) await systemClock.sleep(0, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
