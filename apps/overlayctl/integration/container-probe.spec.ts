import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Container, Testbed } from '@overlay/testbed';
import { runOverlayctl } from './run-overlayctl.js';

/** The echo server's. */
const PORT = '7';

let testbed: Testbed;
let open: Container;
let isolated: Container;

const overlayctl = (...args: readonly string[]) =>
  runOverlayctl(args, { OVERLAY_MASTER: testbed.master.grpcAddress });

beforeAll(async () => {
  testbed = await Testbed.create({ hosts: 2, label: 'probe' });
  await testbed.start();
  const lonely = ['lonely', '--subnet', '10.77.0.0/16', '--prefix', '24', '--isolated'];
  expect(await overlayctl('network', 'create', ...lonely)).toMatchObject({ exitCode: 0 });
  await testbed.waitSettled(['dcos', 'lonely']);
  open = await testbed.host('h1').attachCni('dcos');
  isolated = await testbed.host('h2').attachCni('lonely');
  await Promise.all([open.serveEcho(), isolated.serveEcho()]);
  for (const container of [open, isolated]) await reported(container.ipv4 ?? '');
}, 90_000);

afterAll(async () => {
  await testbed?.close();
}, 60_000);

/** Agents report a new container within a moment. */
async function reported(address: string): Promise<void> {
  for (;;) {
    const { stdout } = await overlayctl('container', 'ls');
    if (stdout.includes(` ${address} `) || stdout.includes(` ${address}\n`)) return;
  }
}

describe('overlayctl container probe', () => {
  it('finds a listening container healthy, by id and by address, from its own host', async () => {
    const byAddress = await overlayctl('container', 'probe', open.ipv4 ?? '', '--tcp', PORT);
    expect(byAddress).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^healthy: port 7 is open/),
    });
    const byId = await overlayctl('container', 'probe', open.namespace, '--tcp', PORT, '--json');
    expect(JSON.parse(byId.stdout)).toMatchObject({
      healthy: true,
      agent_ip: testbed.host('h1').address.ipv4,
    });
  });

  it('reaches a container of an isolated network', async () => {
    const run = await overlayctl('container', 'probe', isolated.ipv4 ?? '', '--tcp', PORT, '--json');
    expect(run.exitCode).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ agent_ip: testbed.host('h2').address.ipv4 });
  });

  it('tells what it found of one that does not listen, and exits 1', async () => {
    const run = await overlayctl('container', 'probe', open.ipv4 ?? '', '--http', '8080');
    expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('ECONNREFUSED') });
  });

  it('probes nothing but containers, and runs no command over plaintext', async () => {
    const gateway = await overlayctl('container', 'probe', testbed.host('h1').address.ipv4, '--tcp', PORT);
    expect(gateway).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no agent has reported') });
    const command = await overlayctl('container', 'probe', open.ipv4 ?? '', '--exec', '--', 'true');
    expect(command).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('client certificate') });
  });
});
