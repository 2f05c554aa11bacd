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
