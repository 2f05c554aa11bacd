import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManagedProcess } from '@overlay/testbed';

describe('a managed process', () => {
  let folder: string;
  const started: ManagedProcess[] = [];

  function node(script: string, wanted = ''): ManagedProcess {
    const managed: ManagedProcess = new ManagedProcess({
      name: 'the program',
      argv: [process.execPath, '--eval', script],
      env: { PATH: process.env.PATH ?? '' },
      logFile: join(folder, 'log'),
      ready: () =>
        Promise.resolve(managed.log().includes(wanted) ? undefined : `"${wanted}" is not in the log`),
    });
    started.push(managed);
    return managed;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'managed-process-'));
  });

  afterEach(async () => {
    for (const managed of started.splice(0)) await managed.kill();
    rmSync(folder, { recursive: true });
  });

  it('is ready when its probe says so, and stops on SIGTERM', async () => {
    const managed = node(`setInterval(() => {}, 1000); console.log('up')`, 'up');
    await managed.start();
    expect(managed.running).toBe(true);
    expect(await managed.stop()).toEqual({ exitCode: null, signal: 'SIGTERM' });
    expect(managed.running).toBe(false);
  });

  it('is killed when it ignores SIGTERM', async () => {
    const managed = node(
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`,
      'up',
    );
    await managed.start();
    expect(await managed.stop(100)).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  it('that dies before it is ready is an error with the end of its log', async () => {
    const managed = node(`console.error('no such thing'); process.exitCode = 3`, 'up');
    await expect(managed.start()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/ended \(exit 3\)[\s\S]*no such thing/),
    });
  });

  it('that does not get ready is an error with the probe’s reason', async () => {
    const managed = node('setInterval(() => {}, 1000)', 'up');
    await expect(managed.start({}, 100)).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringContaining('"up" is not in the log'),
    });
  });

  it('takes environment and arguments for one launch', async () => {
    const managed = node('console.log(process.env.POINT, process.argv.slice(1).join())');
    await managed.start({ env: { POINT: 'armed' }, args: ['extra'] }).catch(() => undefined);
    await managed.waitExit();
    managed.launch();
    await managed.waitExit();
    expect(managed.log()).toBe('armed extra\nundefined \n');
  });

  it('holds still while paused and stops even then', async () => {
    const managed = node(`let n = 0; setInterval(() => console.log('tick', n++), 5)`, 'tick 1');
    await managed.start();
    managed.pause();
    const state = async (): Promise<boolean> =>
      (await managed.waitExit(50).catch(() => undefined)) === undefined;
    expect(await state()).toBe(true);
    const before = managed.log();
    expect(await state()).toBe(true);
    expect(managed.log()).toBe(before);
    expect(await managed.stop()).toEqual({ exitCode: null, signal: 'SIGTERM' });
  });

  it('that is not there is an error', async () => {
    const managed = new ManagedProcess({
      name: 'nothing',
      argv: [join(folder, 'absent')],
      env: {},
      logFile: join(folder, 'log'),
      ready: () => Promise.resolve('never'),
    });
    await expect(managed.start()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
