import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FORMAT_KEY } from '../log-format.js';
import { describeOverlayLog } from '../overlay-log-contract.js';
import { sampleNode } from '../sample-records.js';
import { openEmbeddedOverlayLog } from './embedded-overlay-log.js';
import { openLogDatabase } from './log-database.js';

describeOverlayLog('the embedded driver', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'overlay-log-'));
  let log = await openEmbeddedOverlayLog({ dir, historyLength: 100 });
  return {
    log,
    async reopen() {
      await log.close();
      log = await openEmbeddedOverlayLog({ dir, historyLength: 100 });
      return log;
    },
    async dispose() {
      await log.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
});

describe('openEmbeddedOverlayLog', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'overlay-log-'));
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  it('creates its folder for its owner only', async () => {
    const dir = join(parent, 'a', 'log');
    const log = await openEmbeddedOverlayLog({ dir });
    await log.close();
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  it('says that the folder cannot be made', async () => {
    await writeFile(join(parent, 'file'), '');
    for (const dir of [join(parent, 'file', 'log'), '/proc/overlay-nowhere/log']) {
      await expect(openEmbeddedOverlayLog({ dir })).rejects.toMatchObject({
        code: 'failed_precondition',
        message: expect.stringMatching(
          `^log\\.dir: cannot open the overlay log in ${dir}: .*make, read and write`,
        ),
      });
    }
  });

  it('lets a campaign win at once and makes the fence before void', async () => {
    const log = await openEmbeddedOverlayLog({ dir: parent });
    const older = await log.campaign('m1', new AbortController().signal);
    const newer = await log.campaign('m2', new AbortController().signal);
    expect(older.lost.aborted).toBe(true);
    await expect(log.commit([], older.fence)).rejects.toMatchObject({ code: 'aborted' });
    expect(await log.commit([], newer.fence)).toBe(1n);
    await log.close();
  });

  it('is looked at without being touched, while a master writes to it', async () => {
    const log = await openEmbeddedOverlayLog({ dir: parent });
    const { fence } = await log.campaign('m1', new AbortController().signal);
    const reader = await openEmbeddedOverlayLog({ dir: parent, readOnly: true });
    try {
      for (const number of [1, 2]) {
        await log.commit([{ op: 'create', record: sampleNode(number) }], fence);
        const { revision, records } = await reader.load();
        const read: unknown[] = [];
        for await (const batch of records) read.push(...batch);
        expect({ revision, count: read.length }).toEqual({ revision: BigInt(number), count: number });
      }
      await expect(reader.campaign('m2', new AbortController().signal)).rejects.toMatchObject({
        code: 'failed_precondition',
      });
      await expect(reader.commit([], fence)).rejects.toMatchObject({ code: 'failed_precondition' });
      expect(await log.commit([], fence)).toBe(3n);
    } finally {
      await reader.close();
      await log.close();
    }
  });

  it('is not made by looking at it', async () => {
    const dir = join(parent, 'nowhere');
    await expect(openEmbeddedOverlayLog({ dir, readOnly: true })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(existsSync(dir)).toBe(false);
  });

  it('refuses a log of an unknown format and leaves it as it is', async () => {
    const database = await openLogDatabase(parent);
    await database.root.childTransaction(() => database.meta.put(FORMAT_KEY, '2'));
    await database.close();
    const failure = await openEmbeddedOverlayLog({ dir: parent }).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'failed_precondition' });
    expect(String(failure)).toContain('"2"');
  });

  it('names the entry that cannot be read', async () => {
    const database = await openLogDatabase(parent);
    await database.root.childTransaction(() => database.records.put('node/n1', '{"id":'));
    await database.close();
    const log = await openEmbeddedOverlayLog({ dir: parent });
    const reading = (async () => {
      for await (const batch of (await log.load()).records) expect(batch).toEqual([]);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'data_loss' });
    await expect(reading).rejects.toThrow('node/n1');
    await expect(reading).rejects.toThrow(`it stands in ${parent}: restore`);
    await log.close();
  });
});
