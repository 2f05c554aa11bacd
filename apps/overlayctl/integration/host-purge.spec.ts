import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Testbed } from '@overlay/testbed';
import { type OverlayctlRun, runOverlayctl } from './run-overlayctl.js';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await Testbed.create({ hosts: 1 });
  await testbed.start();
  await testbed.waitSettled(['dcos']);
}, 60_000);

afterAll(async () => {
  await testbed?.close();
}, 60_000);

function purge(...flags: readonly string[]): Promise<OverlayctlRun> {
  const { paths, agent } = testbed.host('h1');
  const where = ['--dataplane-socket', paths.dataplaneSocket, '--agent-config', agent.configFile];
  return runOverlayctl(['host', 'purge', ...where, ...flags]);
}

describe('overlayctl host purge on a host', () => {
  it('refuses while the agent runs, and lists all the same', async () => {
    const refused = await purge('--yes');
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toMatch(/overlay-agent runs .*stop it first/);
    expect((await purge('--verify')).stdout).toContain('99-overlay-dcos.conflist');
    await testbed.host('h1').agent.stop();
  });

  it('lists, asks, removes everything and shows that nothing is left', async () => {
    const host = testbed.host('h1');
    writeFileSync(join(host.paths.cniConflistDir, '50-other.conflist'), '{"ipam":{"type":"host-local"}}');
    const listed = await purge('--verify');
    expect(listed.exitCode).toBe(1);
    expect(listed.stdout).toMatch(/objects of the overlay on this host/);
    const files = [
      join(host.paths.cniDir, 'dcos.conf'),
      join(host.paths.cniConflistDir, '99-overlay-dcos.conflist'),
    ];
    for (const file of files) expect(listed.stdout).toContain(`CNI file ${file}`);
    const unasked = await purge();
    expect(unasked).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unasked.stderr).toMatch(/what can be removed will be.*--yes/s);
    expect(await host.execOrFail(['ip', '-brief', 'link'])).toContain('vtep1024');
    const done = await purge('--yes', '--json');
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(done.stdout)).toEqual({
      removed: expect.stringMatching(/^[1-9]/),
      leftovers: [],
      kept: [expect.stringContaining(host.paths.agentStateDir)],
    });
    expect(readdirSync(host.paths.cniDir)).toEqual([]);
    expect(readdirSync(host.paths.cniConflistDir)).toEqual(['50-other.conflist']);
    expect(await host.execOrFail(['ip', '-brief', 'link'])).not.toMatch(/vtep1024|m-dcos/);
    const verified = await purge('--verify');
    expect(verified).toMatchObject({ exitCode: 0 });
    expect(verified.stdout).toMatch(/^nothing of the overlay is on this host/);
    expect(await purge('--yes')).toMatchObject({ exitCode: 0 });
  });

  it('names the way out when the dataplane does not run', async () => {
    await testbed.host('h1').dataplane.kill();
    const run = await purge('--verify');
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('--dataplane-socket');
  });
});
