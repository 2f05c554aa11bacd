import perfHooks from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Metrics } from './metrics.js';

const FIGURES = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

describe('the lag of the event loop', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('wakes an idle process seldom', () => {
    const monitor = jest.spyOn(perfHooks, 'monitorEventLoopDelay');
    new Metrics('test').collectRuntime();
    const resolutions = monitor.mock.calls.map(([options]) => options?.resolution ?? 0);
    expect(resolutions.length).toBeGreaterThan(0);
    expect(Math.min(...resolutions)).toBeGreaterThanOrEqual(100);
  });

  it('is what the loop was held up, and nothing where it was not sampled', async () => {
    const metrics = new Metrics('test');
    metrics.collectRuntime();
    const lagOf = async (figure: string) => {
      const line = new RegExp(`^nodejs_eventloop_lag_${figure}_seconds\\{.*\\} (.*)$`, 'm');
      return Number(line.exec(await metrics.render())?.[1]);
    };
    for (const figure of FIGURES) expect(await lagOf(figure)).toBe(0);
    let longest = 0;
    for (let tries = 0; tries < 5 && longest === 0; tries += 1) {
      // After a scrape the first sample has none before it.
      await sleep(250);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      await sleep(250);
      longest = await lagOf('max');
    }
    expect(longest).toBeGreaterThan(0);
  });
});
