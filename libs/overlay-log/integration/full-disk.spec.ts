import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LogRecord, type Mutation, parseNodeId } from '@overlay/model';
import { type OverlayLog, openEmbeddedOverlayLog } from '@overlay/overlay-log';
import { runCommand, runOrFail } from '@overlay/testbed';

const BATCH = 50;

/** Writes until nothing more fits. */
function fillDisk(path: string): void {
  const block = Buffer.alloc(4_096, 1);
  try {
    while (true) appendFileSync(path, block);
  } catch {
    // The disk is full now, which is what this is for.
  }
}

function claims(from: number): readonly Mutation[] {
  const nodeId = parseNodeId('n'.repeat(64));
  return Array.from({ length: BATCH }, (_, index) => ({
    op: 'create',
    record: { kind: 'claim', claim: { resource: 'block', value: `value-${from + index}`, nodeId } },
  }));
}

async function countRecords(
  log: OverlayLog,
): Promise<{ readonly revision: bigint; readonly records: number }> {
  const { revision, records } = await log.load();
  const all: LogRecord[] = [];
  for await (const batch of records) all.push(...batch);
  return { revision, records: all.length };
}

describe('the embedded log on a disk that is full', () => {
  let mount: string;
  let dir: string;
  const opened: OverlayLog[] = [];

  async function open(): Promise<OverlayLog> {
    const log = await openEmbeddedOverlayLog({ dir });
    opened.push(log);
    return log;
  }

  beforeEach(async () => {
    mount = mkdtempSync(join(tmpdir(), 'overlay-log-disk-'));
    dir = join(mount, 'log');
    await runOrFail(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'overlay-log-test', mount]);
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((log) => log.close()));
    await runCommand(['umount', mount]);
    rmSync(mount, { recursive: true });
  });

  it('refuses commits clearly, keeps what stood before, and goes on when there is space', async () => {
    const log = await open();
    const { fence } = await log.campaign('m1', new AbortController().signal);
    await log.commit(claims(0), fence);
    fillDisk(join(mount, 'filler'));
    let committed = 1;
    let failure: unknown;
    while (failure === undefined && committed < 500) {
      await log.commit(claims(committed * BATCH), fence).then(
        () => {
          committed += 1;
        },
        (thrown: unknown) => {
          failure = thrown;
        },
      );
    }
    expect(failure).toMatchObject({
      code: 'resource_exhausted',
      message: expect.stringContaining('free space'),
    });
    const stood = { revision: BigInt(committed), records: committed * BATCH };
    expect(await countRecords(log)).toEqual(stood);
    await log.close();
    const again = await open();
    expect(await countRecords(again)).toEqual(stood);
    rmSync(join(mount, 'filler'));
    const next = await again.campaign('m2', new AbortController().signal);
    await again.commit(claims(committed * BATCH), next.fence);
    expect((await countRecords(again)).records).toBe(stood.records + BATCH);
  }, 60_000);

  it('is not made where there is no space', async () => {
    fillDisk(join(mount, 'filler'));
    await expect(open()).rejects.toMatchObject({ code: 'resource_exhausted' });
  }, 60_000);
});
