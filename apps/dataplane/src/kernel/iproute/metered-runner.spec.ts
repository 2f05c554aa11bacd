import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import type { CommandRunner } from './command-runner.js';
import { meteredRunner } from './metered-runner.js';

describe('meteredRunner', () => {
  it('notes batches, also those that fail, and nothing that only reads', async () => {
    let nowMs = 0;
    const noted: (readonly [string, number, number])[] = [];
    const inner: CommandRunner = {
      run(command) {
        nowMs += 250;
        if (command === 'nft') throw new OverlayError('unavailable', 'gone');
        return Promise.resolve({ exitCode: 0, stdout: 'out', stderr: '' });
      },
    };
    const runner = meteredRunner(
      inner,
      () => nowMs,
      (...batch) => noted.push(batch),
    );
    expect(await runner.run('ip', ['-batch', '-'], 'a\nb\n', 1)).toMatchObject({ stdout: 'out' });
    await runner.run('ip', ['route'], '', 1);
    await expect(runner.run('nft', ['-f', '-'], 'table\n', 1)).rejects.toMatchObject({ code: 'unavailable' });
    expect(noted).toEqual([
      ['ip', 2, 0.25],
      ['nft', 1, 0.25],
    ]);
  });
});
