import { describe, expect, it } from '@jest/globals';
import { parseIpAddress } from '@overlay/allocation';
import { OverlayError } from '@overlay/failure';
import type { KernelChange } from '../kernel-tables.js';
import { ADMISSION_TABLE } from '../ownership.js';
import { applyTransaction, halve } from './apply-transaction.js';
import type { CommandRunner } from './command-runner.js';
import { divideNft } from './nft-script.js';

const TRANSACTION = {
  command: 'nft',
  args: ['-f', '-'],
  divide: halve,
  busyExitCode: 4,
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

  it.each([
    [
      'gave up waiting for a lock',
      () => Promise.resolve({ exitCode: 4, stdout: '', stderr: 'locked\n' }),
      'locked',
    ],
    ['came to no end', () => Promise.reject(new OverlayError('deadline_exceeded', 'too slow')), 'too slow'],
  ])('is not tried in parts when the command %s', async (_what, run, error) => {
    let runs = 0;
    const runner: CommandRunner = {
      run: () => {
        runs += 1;
        return run();
      },
    };
    const failures = await applyTransaction(runner, TRANSACTION, changes(16), { timeoutMs: 1_000 });
    expect(failures).toEqual(changes(16).map((change) => ({ change, error })));
    expect(runs).toBe(1);
  });
});

describe('a refused transaction of nft', () => {
  const table = (name: string): KernelChange => ({
    op: 'add',
    object: { kind: 'nftables', family: 'inet', name, content: '' },
  });

  it('is tried in halves where only elements are written', () => {
    const [first, second] = divideNft(changes(5));
    expect([first, second]).toEqual([changes(5).slice(0, 3), changes(5).slice(3)]);
  });

  it('never writes the admission table without the elements that go with it', () => {
    const [other, admission] = [table('overlay'), table(ADMISSION_TABLE)];
    expect(divideNft([other, admission, ...changes(4)])).toEqual([[other], [admission, ...changes(4)]]);
    expect(divideNft([admission, ...changes(4)])).toEqual([[admission, ...changes(4)]]);
  });
});
