import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Testbed } from '@overlay/testbed';
import { type OverlayctlRun, runOverlayctl } from './run-overlayctl.js';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await Testbed.create({ hosts: 1 });
  await testbed.start();
  await testbed.waitSettled(['dcos']);
  await testbed.host('h1').agent.stop();
}, 60_000);

afterAll(async () => {
  await testbed?.close();
}, 60_000);

function purge(...flags: readonly string[]): Promise<OverlayctlRun> {
  const socket = testbed.host('h1').paths.dataplaneSocket;
  return runOverlayctl(['host', 'purge', '--dataplane-socket', socket, ...flags]);
}

describe('overlayctl host purge on a host', () => {
  it('lists, asks, removes everything and shows that nothing is left', async () => {
    const host = testbed.host('h1');
    const listed = await purge('--verify');
    expect(listed.exitCode).toBe(1);
    expect(listed.stdout).toMatch(/kernel objects of the overlay on this host/);
    const unasked = await purge();
    expect(unasked).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unasked.stderr).toMatch(/will be removed.*--yes/s);
    expect(await host.execOrFail(['ip', '-brief', 'link'])).toContain('vtep1024');
    const done = await purge('--yes', '--json');
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(done.stdout)).toEqual({ removed: expect.stringMatching(/^[1-9]/), leftovers: [] });
    expect(await host.execOrFail(['ip', '-brief', 'link'])).not.toMatch(/vtep1024|m-dcos/);
    const verified = await purge('--verify');
    expect(verified).toMatchObject({ exitCode: 0, stdout: 'nothing of the overlay is on this host\n' });
    expect(await purge('--yes')).toMatchObject({ exitCode: 0 });
  });

  it('names the way out when the dataplane does not run', async () => {
    await testbed.host('h1').dataplane.kill();
    const run = await purge('--verify');
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('--dataplane-socket');
  });
});
