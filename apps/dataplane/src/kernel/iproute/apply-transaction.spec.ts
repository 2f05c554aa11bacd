import { describe, expect, it } from '@jest/globals';
import { parseIpAddress } from '@overlay/allocation';
import type { KernelChange } from '../kernel-tables.js';
import { applyTransaction } from './apply-transaction.js';
import type { CommandRunner } from './command-runner.js';

const TRANSACTION = {
  command: 'nft',
  args: ['-f', '-'],
  script: (changes: readonly KernelChange[]) =>
    changes.map(({ object }) => (object.kind === 'admission' ? object.address : '')).join(' '),
};

const changes = (count: number): readonly KernelChange[] =>
  Array.from({ length: count }, (_, n) => ({
    op: 'add',
    object: { kind: 'admission', address: parseIpAddress(`10.0.${n >> 8}.${n & 255}`) },
  }));

/** A tool that refuses every transaction with one of these addresses in it, and what it was asked. */
function refusing(isWrong: (address: string) => boolean) {
  const asked: string[][] = [];
  const runner: CommandRunner = {
    run: (_command, _args, input = '') => {
      const addresses = input.split(' ');
      asked.push(addresses);
      const exitCode = addresses.some(isWrong) ? 1 : 0;
      return Promise.resolve({ exitCode, stdout: '', stderr: exitCode === 0 ? '' : 'Error: no\n' });
    },
  };
  return { runner, asked };
}

describe('a transaction that is refused', () => {
  it('finds the change at fault and makes all others', async () => {
    const { runner, asked } = refusing((address) => address === '10.0.1.44');
    const failures = await applyTransaction(runner, TRANSACTION, changes(1_000), { timeoutMs: 1_000 });
    expect(failures).toEqual([{ change: changes(1_000)[300], error: 'Error: no' }]);
    expect(asked.length).toBeLessThan(25);
  });

  it('is not taken apart into every change when all of them are refused', async () => {
    const { runner, asked } = refusing(() => true);
    const failures = await applyTransaction(runner, TRANSACTION, changes(1_000), { timeoutMs: 1_000 });
    expect(failures).toHaveLength(1_000);
    expect(new Set(failures.map(({ change }) => change)).size).toBe(1_000);
    expect(asked.length).toBeLessThan(60);
  });
});
