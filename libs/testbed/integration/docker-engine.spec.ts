import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Host, Testbed } from '@overlay/testbed';
import { remains } from './remains.js';

/** By hand, so that this spec needs nothing of the product. */
async function makeNetwork(host: Host, subnet: string): Promise<void> {
  const bridge = 'com.docker.network.bridge.name=d-plain';
  await host.docker.dockerOrFail('network', 'create', '--subnet', subnet, '--opt', bridge, 'plain');
}

describe('Docker Engines on two hosts', () => {
  let testbed: Testbed;
  let first: Host;
  let second: Host;

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 2 });
    [first, second] = [testbed.host('h1'), testbed.host('h2')];
    await Promise.all([first.startDocker(), second.startDocker()]);
    await Promise.all([makeNetwork(first, '10.97.1.0/24'), makeNetwork(second, '10.97.1.0/24')]);
  }, 60_000);

  afterAll(() => testbed?.close(), 60_000);

  it('run containers, each for itself', async () => {
    const [one, two] = await Promise.all([
      first.runDocker('plain', { name: 'web', ip: '10.97.1.10' }),
      first.runDocker('plain'),
    ]);
    expect(one).toMatchObject({ half: 'docker', host: 'h1', ipv4: '10.97.1.10' });
    await one.serveEcho();
    expect(await two.tcp('10.97.1.10')).toMatchObject({ ok: true, seenAs: two.ipv4 });
    expect(await two.ping('10.97.1.1')).toMatchObject({ ok: true });
    expect(await second.docker.dockerOrFail('ps', '--quiet')).toBe('');
    const applets = await first.docker.dockerOrFail('exec', 'web', 'sh', '-c', 'ls /bin | wc -l');
    expect(Number(applets)).toBeGreaterThan(100);
    await Promise.all([one.remove(), two.remove()]);
    expect(await first.docker.dockerOrFail('ps', '--all', '--quiet')).toBe('');
    expect(first.containers).toEqual([]);
  }, 60_000);

  it('come back after kill -9, without the containers that they had', async () => {
    const container = await second.runDocker('plain');
    await second.docker.restart();
    expect(await second.docker.dockerOrFail('ps', '--quiet')).toBe('');
    await container.remove();
    const another = await second.runDocker('plain');
    expect(await another.ping('10.97.1.1')).toMatchObject({ ok: true });
    await another.remove();
  }, 60_000);

  it('come back after a power cut with networks and images on their disk', async () => {
    await first.runDocker('plain', { args: ['--restart', 'always'] });
    await first.docker.powerOff();
    await first.startDocker();
    expect(await first.docker.dockerOrFail('network', 'inspect', '--format', '{{.Name}}', 'plain')).toBe(
      'plain',
    );
    expect(await first.docker.dockerOrFail('ps', '--quiet')).not.toBe('');
    await first.docker.stop();
    expect(first.docker.daemon.running).toBe(false);
    await first.startDocker();
  }, 60_000);

  it('leave nothing', async () => {
    await second.runDocker('plain');
    await testbed.removeHost(first);
    await testbed.close();
    expect(await remains(testbed)).toEqual([]);
  }, 60_000);
});
