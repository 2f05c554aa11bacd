import { describe, expect, it } from '@jest/globals';
import type { CommandResult, CommandRunner } from './command-runner.js';
import { helperRunner } from './helper-runner.js';

const DONE: CommandResult = { exitCode: 0, stdout: 'driver: veth\n', stderr: '' };

/** A program that ends when it is told to. */
function heldProgram() {
  const ends: ((result: CommandResult) => void)[] = [];
  const runner: CommandRunner = { run: () => new Promise((resolve) => ends.push(resolve)) };
  return { runner, ends };
}

describe('helperRunner', () => {
  it('passes on what a program answers in time', async () => {
    const runner = helperRunner({ run: () => Promise.resolve(DONE) }, 60_000);
    expect(await runner.run('ethtool', ['-i', 'eth0'], '', 1_000)).toBe(DONE);
  });

  it('does not wait again for one that hangs, until that ends', async () => {
    const { runner, ends } = heldProgram();
    const helpers = helperRunner(runner, 1);
    const ask = () => helpers.run('ethtool', ['-i', 'eth0'], '', 15_000);
    const silent = { code: 'deadline_exceeded', message: 'ethtool -i eth0 does not answer' };
    await expect(ask()).rejects.toMatchObject(silent);
    await expect(ask()).rejects.toMatchObject(silent);
    expect(ends).toHaveLength(1);
    ends[0]?.(DONE);
    await new Promise((resolve) => setImmediate(resolve));
    const again = ask();
    expect(ends).toHaveLength(2);
    ends[1]?.(DONE);
    expect(await again).toBe(DONE);
  });

  it('passes on that a program cannot be run', async () => {
    const runner = helperRunner({ run: () => Promise.reject(new Error('ENOENT')) }, 60_000);
    await expect(runner.run('ethtool', [], '', 1_000)).rejects.toThrow('ENOENT');
  });
});
