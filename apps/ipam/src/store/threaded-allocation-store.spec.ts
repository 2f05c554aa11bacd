import { describe, expect, it } from '@jest/globals';
import { ThreadedAllocationStore } from './threaded-allocation-store.js';

describe('ThreadedAllocationStore whose thread ended', () => {
  // The thread's file is there only once it is built: out of the sources it ends as it starts.
  const dead = () => new ThreadedAllocationStore('/nonexistent');

  it('tells so, and leaves nobody waiting', async () => {
    const store = dead();
    const [load, commit] = await Promise.allSettled([store.load(), store.commit([])]);
    for (const outcome of [load, commit]) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    }
    await expect(store.failed).resolves.toMatchObject({
      message: expect.stringMatching(/^the thread of the store ended \(.*store-thread/),
    });
    await expect(store.load()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.close()).resolves.toBeUndefined();
    await expect(store.close()).resolves.toBeUndefined();
  });
});
