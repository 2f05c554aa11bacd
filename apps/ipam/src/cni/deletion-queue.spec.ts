import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@overlay/service';
import type { CniEnvironment } from './cni-call.js';
import type { CniAnswer } from './cni-handler.js';
import { replayDeletions } from './deletion-queue.js';

const DELETION = 'CNI_COMMAND=DEL\nCNI_CONTAINERID=c1\nCNI_IFNAME=eth0\n\n{"name":"dcos"}\n';
const logger = createLogger('test', 'silent');

describe('replayDeletions', () => {
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

  it('performs each deletion once and empties the queue', async () => {
    writeFileSync(join(folder, 'a.del'), DELETION);
    writeFileSync(join(folder, 'b.del'), DELETION.replace('c1', 'c2'));
    expect(await replayDeletions(folder, perform, logger)).toBe(2);
    expect(performed).toEqual([
      {
        environment: { CNI_COMMAND: 'DEL', CNI_CONTAINERID: 'c1', CNI_IFNAME: 'eth0' },
        stdin: '{"name":"dcos"}\n',
      },
      expect.objectContaining({ environment: expect.objectContaining({ CNI_CONTAINERID: 'c2' }) }),
    ]);
    expect(readdirSync(folder)).toEqual([]);
    expect(await replayDeletions(folder, perform, logger)).toBe(0);
  });

  it('creates the folder when it is missing, and passes over drafts', async () => {
    writeFileSync(join(folder, '.draft'), DELETION);
    expect(await replayDeletions(folder, perform, logger)).toBe(0);
    expect(await replayDeletions(join(folder, 'new', 'folder'), perform, logger)).toBe(0);
  });

  it.each([
    ['junk', 'junk'],
    ['an empty file', ''],
    ['no deletion', DELETION.replace('DEL', 'ADD')],
    ['a line that is no variable', `x\n${DELETION}`],
  ])('sets aside %s', async (_case, content) => {
    writeFileSync(join(folder, 'a.del'), content);
    writeFileSync(join(folder, 'b.del'), DELETION);
    expect(await replayDeletions(folder, perform, logger)).toBe(1);
    expect(readdirSync(folder)).toEqual(['unreadable']);
    expect(readdirSync(join(folder, 'unreadable'))).toEqual(['a.del']);
  });

  it('sets aside what cannot be read or makes no sense', async () => {
    mkdirSync(join(folder, 'a.del'));
    writeFileSync(join(folder, 'b.del'), DELETION);
    answer = { ok: false, error: { cniVersion: '1.0.0', code: 7, msg: 'no', details: 'invalid_argument' } };
    expect(await replayDeletions(folder, perform, logger)).toBe(0);
    expect(readdirSync(join(folder, 'unreadable'))).toEqual(['a.del', 'b.del']);
  });

  it('keeps the queue when the store cannot be written', async () => {
    writeFileSync(join(folder, 'a.del'), DELETION);
    answer = { ok: false, error: { cniVersion: '1.0.0', code: 11, msg: 'full', details: 'unavailable' } };
    await expect(replayDeletions(folder, perform, logger)).rejects.toMatchObject({ code: 'unavailable' });
    expect(readdirSync(folder)).toEqual(['a.del']);
  });
});
