import { describe, expect, it } from '@jest/globals';
import { OverlayError } from '@overlay/failure';
import type { CommandRunner } from './command-runner.js';
import { type Batch, meteredRunner } from './metered-runner.js';

describe('meteredRunner', () => {
  it('notes batches, also those that fail, and nothing that only reads', async () => {
    let nowMs = 0;
    const noted: Batch[] = [];
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
      (batch) => noted.push(batch),
    );
    expect(await runner.run('ip', ['-batch', '-'], 'neigh a\nneigh b\n', 1)).toMatchObject({ stdout: 'out' });
    await runner.run('ip', ['-batch', '-'], 'neigh a\nroute b\n', 1);
    await runner.run('ip', ['route'], '', 1);
    await expect(runner.run('nft', ['-f', '-'], 'table\n', 1)).rejects.toMatchObject({ code: 'unavailable' });
    expect(noted).toEqual([
      { tool: 'ip', object: 'neigh', lines: 2, seconds: 0.25 },
      { tool: 'ip', object: '', lines: 2, seconds: 0.25 },
      { tool: 'nft', object: '', lines: 1, seconds: 0.25 },
    ]);
  });
});
