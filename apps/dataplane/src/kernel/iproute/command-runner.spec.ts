import { describe, expect, it } from '@jest/globals';
import { processRunner } from './command-runner.js';

const runner = processRunner();

describe('processRunner', () => {
  it('gives what a command read, printed and ended with', async () => {
    const script = 'read line; echo "read $line"; echo oops >&2; exit 3';
    expect(await runner.run('sh', ['-c', script], 'this\n', 10_000)).toEqual({
      exitCode: 3,
      stdout: 'read this\n',
      stderr: 'oops\n',
    });
  });

  it('says which command is not there', async () => {
    await expect(runner.run('no-such-tool', [], '', 10_000)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no-such-tool'),
    });
  });

  it('gives up a command that does not end, whatever it thinks of signals, and whoever holds its output', async () => {
    const script = "trap '' TERM; while sleep 1; do :; done";
    await expect(runner.run('sh', ['-c', script], '', 50)).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringMatching(/^sh -c .* did not end within 50 ms$/),
    });
  });

  it('says that somebody killed a command', async () => {
    await expect(runner.run('sh', ['-c', 'kill -KILL $$'], '', 10_000)).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: 'sh -c kill -KILL $$ was ended by SIGKILL',
    });
  });
});
