import { afterEach, describe, expect, it } from '@jest/globals';
import { type LogRecord, type Mutation, parseNodeId, refOf } from '@overlay/model';
import { keyOf } from '../log-keys.js';
import { MemoryOverlayLog } from '../memory/memory-overlay-log.js';
import type { OverlayLog } from '../overlay-log.js';
import { recordsAfter } from '../verify/random-log.js';
import { verifyLog } from '../verify/verify-log.js';
import { exportLog } from './export-log.js';
import { importLog } from './import-log.js';

const EXPORTED_AT = Date.parse('2026-03-01T12:00:00Z');
const RECORDS = recordsAfter([
  { act: 'register', node: 1 },
  { act: 'register', node: 2 },
  { act: 'register as gateway', node: 3 },
  { act: 'delete', node: 2 },
]);
const never = new AbortController().signal;
const opened: OverlayLog[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((log) => log.close()));
});

function open(): MemoryOverlayLog {
  const log = new MemoryOverlayLog();
  opened.push(log);
  return log;
}

async function logWith(records: readonly LogRecord[]): Promise<OverlayLog> {
  const log = open();
  const { fence } = await log.campaign('m1', never);
  await log.commit(
    records.map((record): Mutation => ({ op: 'create', record })),
    fence,
  );
  return log;
}

async function linesOf(log: OverlayLog): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of exportLog(log, EXPORTED_AT)) lines.push(line);
  return lines;
}

async function contents(log: OverlayLog): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of (await log.load()).records) records.push(...batch);
  return records.toSorted((a, b) => (keyOf(refOf(a)) < keyOf(refOf(b)) ? -1 : 1));
}

function bring(log: OverlayLog, lines: readonly string[]) {
  return importLog(log, lines, { candidate: 'overlayctl', waitMs: 5_000 });
}

/** The log with commits of at most three changes, the last of which fails as if the process had died before it. */
function interrupted(log: MemoryOverlayLog, commits: number): OverlayLog {
  let left = commits;
  return {
    maxMutations: 3,
    maxBytes: log.maxBytes,
    load: () => log.load(),
    commit: (mutations, fence) => {
      left -= 1;
      if (left === 0) log.failNextCommit('unknown-not-applied');
      return log.commit(mutations, fence);
    },
    watch: (revision, signal) => log.watch(revision, signal),
    watchLeader: (signal) => log.watchLeader(signal),
    campaign: (candidate, signal) => log.campaign(candidate, signal),
    close: () => log.close(),
  };
}

describe('exportLog', () => {
  it('begins with what the export is, and has a record a line, sorted by key', async () => {
    const [header = '', ...lines] = await linesOf(await logWith(RECORDS.toReversed()));
    expect(JSON.parse(header)).toEqual({
      export: 'overlay-log',
      format: '1',
      revision: '1',
      exportedAt: '2026-03-01T12:00:00.000Z',
      records: RECORDS.length,
    });
    const keys = lines.map((line) => (JSON.parse(line) as { key: string }).key);
    expect(keys).toEqual(RECORDS.map((record) => keyOf(refOf(record))).toSorted());
    expect(lines[0]).toContain('"record":{"vtepSubnet":"44.128.0.0/24"');
  });

  it('makes the same lines of the same records', async () => {
    const [, ...forwards] = await linesOf(await logWith(RECORDS));
    const [, ...backwards] = await linesOf(await logWith(RECORDS.toReversed()));
    expect(forwards).toEqual(backwards);
  });
});

describe('importLog', () => {
  it('brings everything back, and gives leadership up', async () => {
    const lines = await linesOf(await logWith(RECORDS));
    const log = open();
    const result = { records: RECORDS.length, exportedRevision: 1n, revision: 1n, replaced: 0 };
    expect(await bring(log, lines)).toEqual(result);
    expect(await linesOf(log)).toEqual(lines);
    expect(log.store.leader.leader).toBeUndefined();
  });

  it('goes into an empty log only', async () => {
    const lines = await linesOf(await logWith(RECORDS));
    const log = await logWith(RECORDS.slice(0, 1));
    await expect(bring(log, lines)).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(bring(log, lines)).rejects.toThrow('not empty');
    expect(await contents(log)).toHaveLength(1);
  });

  it('leaves an import that was interrupted at any batch recognizable, for the next to replace', async () => {
    const lines = await linesOf(await logWith(RECORDS));
    const batches = Math.ceil(RECORDS.length / 3);
    for (let commits = 2; commits <= batches; commits += 1) {
      const log = open();
      await expect(bring(interrupted(log, commits), lines)).rejects.toMatchObject({ code: 'unavailable' });
      expect((await contents(log)).some(({ kind }) => kind === 'address-space')).toBe(false);
      expect((await verifyLog((await log.load()).records))[0]).toMatchObject({ rule: 'one-address-space' });
      const others = await linesOf(await logWith(RECORDS.slice(0, 1)));
      const result = await bring(log, commits % 2 === 0 ? lines : others);
      expect(result.replaced).toBeGreaterThan(0);
      expect((await linesOf(log)).slice(1)).toEqual((commits % 2 === 0 ? lines : others).slice(1));
    }
  });

  it('does not write while a master leads', async () => {
    const lines = await linesOf(await logWith(RECORDS));
    const log = open();
    const other = new MemoryOverlayLog(log.store);
    await other.campaign('m1', never);
    const importing = importLog(log, lines, { candidate: 'overlayctl', waitMs: 50 });
    await expect(importing).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(importing).rejects.toThrow('a master leads');
    expect(await contents(log)).toEqual([]);
    await other.close();
  });

  it.each<[string, string, (lines: string[]) => readonly string[]]>([
    ['nothing', 'not even its header', () => []],
    ['another file', 'line 1 ', () => ['[1, 2]']],
    ['no JSON', 'line 1 ', () => ['log']],
    ['an unknown format', '"2"', ([header = '', ...rest]) => [header.replace('"1"', '"2"'), ...rest]],
    ['a header without its revision', 'revision', ([header = '']) => [header.replace('"revision"', '"r"')]],
    ['a line cut off', 'line 4 ', (lines) => lines.with(3, lines[3]?.slice(0, 20) ?? '')],
    ['an empty line', 'line 3 ', (lines) => lines.toSpliced(2, 0, '')],
    ['a key of nobody', 'line 3 ', (lines) => lines.with(2, '{"key":"house/1","record":{}}')],
    [
      'a record of another key',
      'line 3 ',
      (lines) => lines.with(2, '{"key":"node/n1","record":{"id":"n2"}}'),
    ],
    ['too few lines', 'is not whole', (lines) => lines.slice(0, -1)],
    ['too many lines', 'is not whole', (lines) => [...lines, ...lines.slice(-1)]],
    [
      'a node without its claims',
      'breaks the rules',
      (lines) => lines.map((line) => line.replace('"nodeId":"node-1"', '"nodeId":"node-9"')),
    ],
  ])('refuses %s and writes nothing', async (_, reason, damage) => {
    const lines = await linesOf(await logWith(RECORDS));
    const log = open();
    const importing = bring(log, damage(lines));
    await expect(importing).rejects.toMatchObject({
      code: expect.stringMatching(/data_loss|failed_precondition/),
    });
    await expect(importing).rejects.toThrow(reason);
    expect(log.store.revision).toBe(0n);
  });

  it('names the node that an export contradicts itself about', async () => {
    const lines = await linesOf(await logWith(RECORDS));
    const doubled = lines.map((line) => line.replaceAll('172.16.0.4', '172.16.0.2'));
    const importing = bring(open(), doubled);
    await expect(importing).rejects.toThrow(`node/${parseNodeId('node-3')} has node-ip/172.16.0.2`);
  });
});
