import { expect, it } from '@jest/globals';
import { type LogChange, termOf } from '../overlay-log.js';
import { sampleNode } from '../sample-records.js';
import { create, type LedLog, put, remove, take } from './log-steps.js';

/** What watchers of the commits see. */
export function describeWatch(now: () => LedLog): void {
  it('shows a watcher the commits since its revision, then new ones, in order', async () => {
    const { log, fence } = now();
    const first = await log.commit([create(sampleNode(1))], fence);
    const second = await log.commit([create(sampleNode(2))], fence);
    const seen = take(log, first, 3);
    const third = await log.commit([create(sampleNode(3))], fence);
    const fourth = await log.commit([remove(sampleNode(3))], fence);
    const term = termOf(fence);
    expect(await seen).toEqual([
      { revision: second, term, mutations: [create(sampleNode(2))] },
      { revision: third, term, mutations: [create(sampleNode(3))] },
      { revision: fourth, term, mutations: [remove(sampleNode(3))] },
    ]);
  });

  it('shows a watcher every change of a batch as one, and a batch that changed nothing too', async () => {
    const { log, fence } = now();
    const revision = await log.commit([create(sampleNode(1)), create(sampleNode(2))], fence);
    const nothing = await log.commit([], fence);
    const [change, empty] = await take(log, 0n, 2);
    expect(change?.revision).toBe(revision);
    expect(change?.mutations).toEqual([create(sampleNode(1)), create(sampleNode(2))]);
    expect(empty).toEqual({ revision: nothing, term: termOf(fence), mutations: [] });
  });

  it('ends a watch without an error when its signal aborts', async () => {
    const { log } = now();
    const stop = new AbortController();
    const seen: LogChange[] = [];
    const watching = (async () => {
      for await (const change of log.watch(0n, stop.signal)) seen.push(change);
    })();
    stop.abort();
    await watching;
    expect(seen).toEqual([]);
  });

  it('refuses a watch from before its history and from a revision to come', async () => {
    const { opened, log, fence } = now();
    const revisions: bigint[] = [];
    for (let number = 1; number <= 102; number += 1) {
      revisions.push(await log.commit([put(sampleNode(number))], fence));
    }
    const [first = 0n, second = 0n] = revisions;
    const newest = revisions.at(-1) ?? 0n;
    await opened.forget?.(second);
    await expect(take(log, first, 1)).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(take(log, newest + 1n, 1)).rejects.toMatchObject({ code: 'failed_precondition' });
    expect((await take(log, second, 100)).at(-1)?.revision).toBe(newest);
  });
}
