import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseNodeId } from '@overlay/model';
import { openEmbeddedOverlayLog } from '@overlay/overlay-log';

const CHILD = join(__dirname, 'commit-loop.mjs');
const ROUNDS = 15;

describe('the embedded log', () => {
  let dir: string;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'overlay-kill-nine-'));
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  });

  it('keeps what it acknowledged, and no half of a batch, over kill -9 at any moment', async () => {
    const acknowledged = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      child = spawn(process.execPath, [CHILD, dir, String(round * 1_000_000)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      await killAfter(child, 1 + Math.floor(Math.random() * 200), acknowledged);
      await exited;
      const values = await claimedValues(dir);
      const lost = [...acknowledged].filter((name) => !values.has(`${name}-a`) || !values.has(`${name}-b`));
      const halves = [...values].filter((value) => !values.has(otherHalf(value)));
      expect({ lost, halves }).toEqual({ lost: [], halves: [] });
    }
    expect(acknowledged.size).toBeGreaterThan(ROUNDS);
  }, 120_000);

  it.each([
    ['garbage', (file: string, size: number) => writeFile(file, Buffer.alloc(size, 7))],
    ['empty', (file: string) => truncate(file, 0)],
    ['cut inside the first page', (file: string) => truncate(file, 100)],
    ['cut after the first page', (file: string) => truncate(file, 4096)],
    ['cut after the meta pages', (file: string) => truncate(file, 8192)],
    // The records alone take more pages than that; behind them is the room for the next commits.
    ['cut in the middle', (file: string) => truncate(file, 6 * 4096)],
  ])('says that its data file is damaged when it is %s', async (_, damage) => {
    const log = await openEmbeddedOverlayLog({ dir });
    const { fence } = await log.campaign('m1', new AbortController().signal);
    for (let number = 0; number < 50; number += 1) {
      const value = `${number}-${'x'.repeat(200)}`;
      const claim = { resource: 'block', value, nodeId: parseNodeId('n1') } as const;
      await log.commit([{ op: 'create', record: { kind: 'claim', claim } }], fence);
    }
    await log.close();
    const file = join(dir, 'data.mdb');
    await damage(file, (await readFile(file)).length);
    await expect(claimedValues(dir)).rejects.toMatchObject({ code: 'data_loss' });
  });
});

/** Collects what the child prints and kills it after the given number of lines. */
async function killAfter(child: ChildProcess, lines: number, acknowledged: Set<string>): Promise<void> {
  let rest = '';
  let count = 0;
  for await (const chunk of child.stdout ?? []) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) acknowledged.add(line);
    count += parts.length;
    if (count >= lines) child.kill('SIGKILL');
  }
}

async function claimedValues(dir: string): Promise<ReadonlySet<string>> {
  const log = await openEmbeddedOverlayLog({ dir });
  try {
    const values = new Set<string>();
    for await (const batch of (await log.load()).records) {
      for (const record of batch) if (record.kind === 'claim') values.add(record.claim.value);
    }
    return values;
  } finally {
    await log.close();
  }
}

function otherHalf(value: string): string {
  return value.endsWith('-a') ? value.replace(/-a$/, '-b') : value.replace(/-b$/, '-a');
}
