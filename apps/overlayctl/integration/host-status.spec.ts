import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Testbed } from '@overlay/testbed';
import { type OverlayctlRun, runOverlayctl } from './run-overlayctl.js';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await Testbed.create({ hosts: 2 });
  await testbed.start();
  await testbed.waitSettled(['dcos']);
}, 60_000);

afterAll(async () => {
  await testbed?.close();
}, 60_000);

function hostStatus(...flags: readonly string[]): Promise<OverlayctlRun> {
  const { agentSocket, dataplaneSocket, ipamSocket } = testbed.host('h1').paths;
  const sockets = [
    ['--agent-socket', agentSocket],
    ['--dataplane-socket', `unix:${dataplaneSocket}`],
    ['--ipam-socket', ipamSocket],
  ];
  return runOverlayctl(['host', 'status', ...sockets.flat(), ...flags]);
}

describe('overlayctl host status on a host', () => {
  it('tells what the host is assigned, what stands in its kernel and what is left', async () => {
    const run = await hostStatus('--json');
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    const status = JSON.parse(run.stdout) as { ipam: { capacities: readonly unknown[] } };
    expect(status).toMatchObject({
      agent: { connected: true, ip: testbed.host('h1').address.ipv4 },
      dataplane: { configured: true, peers: 1, failures: [] },
    });
    expect(status.ipam.capacities).toContainEqual(
      expect.objectContaining({ network: 'dcos', half: 'cni', family: 4, used: '0' }),
    );
    const text = await hostStatus();
    expect(text.exitCode).toBe(0);
    expect(text.stdout).toContain('m-dcos 9.0.0.');
    expect(text.stdout).toMatch(/^route +\d+ +\d+ +0$/m);
  });

  it('shows the others when one is down', async () => {
    await testbed.host('h1').dataplane.kill();
    const run = await hostStatus();
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain('overlay-dataplane\nno answer');
    expect(run.stdout).toContain('m-dcos');
    expect(run.stderr).toContain('--dataplane-socket');
  });
});
