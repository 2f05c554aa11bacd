import { describe, expect, it } from '@jest/globals';
import { describeOverlayLog } from '../overlay-log-contract.js';
import { sampleNode } from '../sample-records.js';
import { MemoryLogStore, MemoryOverlayLog } from './memory-overlay-log.js';

describeOverlayLog('MemoryOverlayLog', async () => {
  const store = new MemoryLogStore();
  let log = new MemoryOverlayLog(store, 100);
  return {
    log,
    async reopen() {
      await log.close();
      log = new MemoryOverlayLog(store, 100);
      return log;
    },
    dispose: () => log.close(),
  };
});

describe('MemoryOverlayLog with faults', () => {
  it.each([
    ['unknown-applied', 'unavailable', 1],
    ['unknown-not-applied', 'unavailable', 0],
    ['fenced', 'aborted', 0],
    ['full', 'resource_exhausted', 0],
  ] as const)('fails the next commit as %s', async (fault, code, kept) => {
    const log = new MemoryOverlayLog();
    const { fence } = await log.campaign('m1', new AbortController().signal);
    log.failNextCommit(fault);
    const commit = log.commit([{ op: 'create', record: sampleNode(1) }], fence);
    await expect(commit).rejects.toMatchObject({ code });
    expect(log.store.records.size).toBe(kept);
  });
});

describe('several MemoryOverlayLogs on one store', () => {
  it('have one leader at a time, and see the commits of each other', async () => {
    const store = new MemoryLogStore();
    const first = new MemoryOverlayLog(store);
    const second = new MemoryOverlayLog(store);
    const signal = new AbortController().signal;
    const { lost } = await first.campaign('m1', signal);
    const waiting = second.campaign('m2', signal);
    await first.close();
    const { fence } = await waiting;
    expect(lost.aborted).toBe(true);
    const third = new MemoryOverlayLog(store);
    const watching = third.watch(0n, signal)[Symbol.asyncIterator]().next();
    await second.commit([{ op: 'create', record: sampleNode(1) }], fence);
    expect((await watching).value).toMatchObject({ revision: 1n });
  });
});
