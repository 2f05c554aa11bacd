import { describe, expect, it } from '@jest/globals';
import {
  type AdmissionDrops,
  admissionDropGrowth,
  parseAdmissionDrops,
  readAdmissionDrops,
} from './admission-drops.js';
import type { CommandRunner } from './command-runner.js';

const rule = (chain: string, packets?: number) => ({
  rule: { chain, expr: packets === undefined ? [{}] : [{}, { counter: { packets } }] },
});

describe('parseAdmissionDrops', () => {
  it('takes each chain for its reason', () => {
    const nftables = [{}, rule('input'), rule('input', 12), rule('tunnel'), rule('tunnel', 3)];
    expect(parseAdmissionDrops({ nftables })).toEqual({ stranger: 12, source: 3 });
  });

  it('counts nothing where there is no table', () => {
    expect(parseAdmissionDrops({ nftables: [] })).toEqual({ stranger: 0, source: 0 });
  });
});

describe('readAdmissionDrops', () => {
  const failing = (stderr: string): CommandRunner => ({
    run: () => Promise.resolve({ exitCode: 1, stdout: '', stderr }),
  });

  it('finds nothing dropped where there is no table', async () => {
    const runner = failing('Error: No such file or directory\nlist table inet overlay_admission\n');
    expect(await readAdmissionDrops(runner, 1)).toEqual({ stranger: 0, source: 0 });
  });

  it('takes no failure of the tool for a table without drops', async () => {
    const runner = failing('netlink: Error: cache initialization failed: No buffer space available');
    await expect(readAdmissionDrops(runner, 1)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('admissionDropGrowth', () => {
  const drops = (stranger: number): AdmissionDrops => ({ stranger, source: 1 });

  it('counts nothing twice when a reading fails, and makes up for it with the next', async () => {
    const readings = [drops(10), new Error('nft failed'), drops(12), drops(3)];
    const grown = admissionDropGrowth(() => {
      const next = readings.shift();
      return next instanceof Error || next === undefined ? Promise.reject(next) : Promise.resolve(next);
    });
    const counted = [];
    for (const _ of [1, 2, 3, 4]) counted.push((await grown()).stranger);
    // The last table was made anew.
    expect(counted).toEqual([10, 0, 2, 3]);
  });

  it('counts nothing twice when two ask at once', async () => {
    let packets = 10;
    const grown = admissionDropGrowth(() => Promise.resolve(drops(packets++)));
    const counted = await Promise.all([grown(), grown()]);
    expect(counted.reduce((sum, { stranger }) => sum + stranger, 0)).toBe(10);
    expect((await grown()).stranger).toBe(1);
  });
});
