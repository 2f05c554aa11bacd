import { describe, expect, it } from '@jest/globals';
import { MemoryOverlayLog } from '@overlay/overlay-log/testing';
import { loadCluster } from './load-cluster.js';
import { DEFAULT_SPACE, networkOf, recordOf } from './testing.js';

async function filledLog(): Promise<MemoryOverlayLog> {
  const log = new MemoryOverlayLog();
  const { fence } = await log.campaign('m1', new AbortController().signal);
  await log.commit(
    [
      { op: 'create', record: { kind: 'address-space', addressSpace: DEFAULT_SPACE } },
      { op: 'create', record: { kind: 'network', network: recordOf(networkOf('dcos', ['9.0.0.0/8', 26])) } },
    ],
    fence,
  );
  return log;
}

describe('loadCluster', () => {
  it('recovers what the log holds', async () => {
    const { records, revision } = await loadCluster(await filledLog(), 0, 0, new AbortController().signal);
    expect(records.addressSpace).toEqual(DEFAULT_SPACE);
    expect([...records.networks.values()].map(({ definition }) => definition.name)).toEqual(['dcos']);
    expect(revision).toBe(1n);
  });

  it('is called off by its signal instead of reading to the end', async () => {
    const recovery = loadCluster(await filledLog(), 0, 0, AbortSignal.abort());
    await expect(recovery).rejects.toMatchObject({ code: 'aborted' });
  });

  it('is called off while it waits for a log that does not answer', async () => {
    const calling = new AbortController();
    const silent = Object.create(await filledLog(), { load: { value: () => new Promise(() => undefined) } });
    const recovery = loadCluster(silent, 0, 0, calling.signal);
    setImmediate(() => calling.abort());
    await expect(recovery).rejects.toMatchObject({ code: 'aborted' });
  });

  it('is called off while it waits for records that do not come', async () => {
    const log = await filledLog();
    const { revision, records } = await log.load();
    async function* stuck() {
      yield* records;
      await new Promise(() => undefined);
    }
    const calling = new AbortController();
    const silent = Object.create(log, { load: { value: async () => ({ revision, records: stuck() }) } });
    const recovery = loadCluster(silent, 0, 0, calling.signal);
    setImmediate(() => calling.abort());
    await expect(recovery).rejects.toMatchObject({ code: 'aborted' });
  });
});
