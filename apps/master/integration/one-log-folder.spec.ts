import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LoneMaster, mergeConfig, runCommand } from '@overlay/testbed';

const BIN = join(__dirname, '../../../bin');

describe('the folder of an embedded log', () => {
  let folder: string;
  let master: LoneMaster;
  /** Another configuration on the same log, with listeners that every network namespace has. */
  let other: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-one-log-'));
    master = await LoneMaster.start({ log: { dir: join(folder, 'log') } });
    other = join(folder, 'other.json');
    const listen = { grpc: `unix:${folder}/grpc.sock`, http: `unix:${folder}/http.sock` };
    writeFileSync(other, JSON.stringify(mergeConfig(master.config, { listen })));
  });

  afterAll(async () => {
    await master?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['beside it', []],
    ['in namespaces of its own', ['unshare', '--net', '--pid', '--fork']],
  ])('is refused to a second master %s, while the first goes on', async (_where, enter) => {
    const second = await runCommand([...enter, join(BIN, 'overlay-master'), '--config', other]);
    expect(second).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`log.dir: another process uses the overlay log in ${folder}/log: stop`),
    });
    expect(second.stderr).not.toMatch(/\n\s+at /);
    expect((await fetch(`${master.httpUrl}/readyz`)).status).toBe(200);
    expect(master.logTail(50)).not.toContain('leading_ended');
  });

  it('is read beside a master', async () => {
    const run = await runCommand([join(BIN, 'overlayctl'), 'log', 'verify', '--config', other]);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('names the taken port, not the log, where the second is the same master once more', async () => {
    const run = await runCommand([join(BIN, 'overlay-master'), '--config', master.configFile]);
    expect(run).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('listen.grpc: cannot listen on'),
    });
  });

  it('is free again as soon as its master was killed', async () => {
    for (const _ of [1, 2, 3]) {
      await master.kill();
      await master.start();
    }
    expect((await fetch(`${master.httpUrl}/readyz`)).status).toBe(200);
  });
});
