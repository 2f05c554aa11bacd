import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { until } from './until.js';

async function* numbers(count: number) {
  for (let n = 0; n < count; n += 1) yield n;
}

async function* silence(): AsyncIterable<number> {
  yield 0;
  await new Promise(() => undefined);
}

describe('until', () => {
  it('gives everything until the source ends, and has one listener at most meanwhile', async () => {
    const { signal } = new AbortController();
    const seen: number[] = [];
    for await (const n of until(numbers(100), signal)) {
      seen.push(n);
      expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
    }
    expect(seen).toHaveLength(100);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends with the signal, also while it waits, and at once if it aborted before', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const n of until(silence(), stop.signal)) {
      seen.push(n);
      setImmediate(() => stop.abort());
    }
    for await (const n of until(silence(), stop.signal)) seen.push(n);
    expect(seen).toEqual([0]);
  });

  it('fails as its source does', async () => {
    async function* broken(): AsyncIterable<number> {
      yield 1;
      throw new RangeError('torn');
    }
    const reading = (async () => {
      for await (const _ of until(broken(), new AbortController().signal));
    })();
    await expect(reading).rejects.toThrow('torn');
  });
});
