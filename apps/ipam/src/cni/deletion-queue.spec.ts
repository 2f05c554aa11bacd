import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@overlay/service';
import type { CniEnvironment } from './cni-call.js';
import type { CniAnswer } from './cni-handler.js';
import { DeletionQueue } from './deletion-queue.js';

const DELETION = 'CNI_COMMAND=DEL\nCNI_CONTAINERID=c1\nCNI_IFNAME=eth0\n\n{"name":"dcos"}\n';
const logger = createLogger('test', 'silent');

describe('DeletionQueue', () => {
  let folder: string;
  let performed: { environment: CniEnvironment; stdin: string }[];
  let answer: CniAnswer;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-deletions-'));
    performed = [];
    answer = { ok: true, result: undefined };
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const perform = async (environment: CniEnvironment, stdin: string): Promise<CniAnswer> => {
    performed.push({ environment, stdin });
    return answer;
  };
  const settle = (at = folder) => new DeletionQueue(at, perform, logger).settle();

  it('performs each deletion once and empties the queue', async () => {
    writeFileSync(join(folder, 'a.del'), DELETION);
    writeFileSync(join(folder, 'b.del'), DELETION.replace('c1', 'c2'));
    await settle();
    expect(performed).toEqual([
      {
        environment: { CNI_COMMAND: 'DEL', CNI_CONTAINERID: 'c1', CNI_IFNAME: 'eth0' },
        stdin: '{"name":"dcos"}\n',
      },
      expect.objectContaining({ environment: expect.objectContaining({ CNI_CONTAINERID: 'c2' }) }),
    ]);
    expect(readdirSync(folder)).toEqual([]);
    await settle();
    expect(performed).toHaveLength(2);
  });

  it('looks once more for whoever comes while it looks, and once for all of them', async () => {
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const names: (string | undefined)[] = [];
    const queue = new DeletionQueue(
      folder,
      async ({ CNI_CONTAINERID }) => {
        names.push(CNI_CONTAINERID);
        await held;
        return answer;
      },
      logger,
    );
    writeFileSync(join(folder, 'a.del'), DELETION);
    const first = queue.settle();
    while (names.length === 0) await setImmediate();
    writeFileSync(join(folder, 'b.del'), DELETION.replace('c1', 'c2'));
    const later = [queue.settle(), queue.settle(), queue.settleBeforeAllocation()];
    goOn();
    await first;
    expect(names).toEqual(['c1']);
    await Promise.all(later);
    expect(names).toEqual(['c1', 'c2']);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps addresses back, with the reason, while it cannot tell what is queued', async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'a file where the folder should be');
    const queue = new DeletionQueue(folder, perform, logger);
    await expect(queue.settle()).rejects.toMatchObject({ code: 'failed_precondition' });
    const refusal = { code: 'unavailable', message: expect.stringContaining(folder) };
    await expect(queue.settleBeforeAllocation()).rejects.toMatchObject(refusal);
  });

  it('creates the folder when it is missing, and passes over drafts', async () => {
    writeFileSync(join(folder, '.draft'), DELETION);
    await settle();
    await settle(join(folder, 'new', 'folder'));
    expect(performed).toEqual([]);
    expect(readdirSync(folder)).toEqual(['.draft', 'new']);
    expect(readdirSync(join(folder, 'new'))).toEqual(['folder']);
  });

  it.each([
    ['junk', 'junk'],
    ['an empty file', ''],
    ['no deletion', DELETION.replace('DEL', 'ADD')],
    ['a line that is no variable', `x\n${DELETION}`],
  ])('sets aside %s', async (_case, content) => {
    writeFileSync(join(folder, 'a.del'), content);
    writeFileSync(join(folder, 'b.del'), DELETION);
    await settle();
    expect(readdirSync(folder)).toEqual(['unreadable']);
    expect(readdirSync(join(folder, 'unreadable'))).toEqual(['a.del']);
  });

  it('sets aside what cannot be read or makes no sense', async () => {
    mkdirSync(join(folder, 'a.del'));
    writeFileSync(join(folder, 'b.del'), DELETION);
    answer = { ok: false, error: { cniVersion: '1.0.0', code: 7, msg: 'no', details: 'invalid_argument' } };
    await settle();
    expect(readdirSync(join(folder, 'unreadable'))).toEqual(['a.del', 'b.del']);
  });

  it('keeps what cannot be read now, and passes over what is gone', async () => {
    // The kernel answers EIO to whoever reads from the first byte there.
    symlinkSync('/proc/self/mem', join(folder, 'a.del'));
    symlinkSync(join(folder, 'nothing'), join(folder, 'b.del'));
    const failure = { code: 'failed_precondition', message: expect.stringMatching(/a\.del.*EIO/) };
    await expect(settle()).rejects.toMatchObject(failure);
    expect(readdirSync(folder)).toEqual(['a.del', 'b.del']);
    rmSync(join(folder, 'a.del'));
    await settle();
    expect(readdirSync(folder)).toEqual(['b.del']);
    expect(performed).toEqual([]);
  });

  it.each(['unavailable', 'internal', 'aborted'])('keeps a deletion that fails as %s', async (details) => {
    writeFileSync(join(folder, 'a.del'), DELETION);
    answer = { ok: false, error: { cniVersion: '1.0.0', code: 999, msg: 'no', details } };
    await expect(settle()).rejects.toMatchObject({ code: 'unavailable', message: 'no' });
    expect(readdirSync(folder)).toEqual(['a.del']);
  });
});
