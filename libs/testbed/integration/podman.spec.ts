import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Host, Testbed } from '@overlay/testbed';
import { remains } from './remains.js';

/** The standard plugins alone, so that this spec needs nothing of the product. */
function writePlainNetwork(host: Host): void {
  const ranges = [[{ subnet: '10.99.0.0/24' }], [{ subnet: 'fd99::/64' }]];
  const ipam = { type: 'host-local', dataDir: join(host.paths.folder, 'host-local'), ranges };
  const plugins = [{ type: 'bridge', bridge: 'plain', isGateway: true, ipam }];
  const conflist = { name: 'plain', cniVersion: '1.0.0', plugins };
  writeFileSync(join(host.paths.cniConflistDir, '99-plain.conflist'), JSON.stringify(conflist));
}

describe('Podman on a host', () => {
  let testbed: Testbed;

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 2 });
    testbed.hosts.forEach(writePlainNetwork);
  }, 30_000);

  afterAll(() => testbed?.close(), 30_000);

  it('runs containers through CNI, on each host for itself', async () => {
    const [first, second] = [testbed.host('h1'), testbed.host('h2')];
    const [one, two] = await Promise.all([
      first.runPodman('plain', { name: 'web' }),
      first.runPodman('plain'),
    ]);
    expect(one).toMatchObject({ half: 'cni', host: 'h1', ipv4: expect.stringMatching(/^10\.99\.0\./) });
    await one.serveEcho();
    expect(await two.tcp(one.ipv4 ?? '')).toMatchObject({ ok: true, seenAs: two.ipv4 });
    expect(await two.tcp(one.ipv6 ?? '')).toMatchObject({ ok: true, seenAs: two.ipv6 });
    expect(await second.podman.podmanOrFail('ps', '--quiet')).toBe('');
    await Promise.all([one.remove(), two.remove()]);
    expect(await first.podman.podmanOrFail('ps', '--all', '--quiet')).toBe('');
    expect(first.containers).toEqual([]);
    const addresses = readdirSync(join(first.paths.folder, 'host-local', 'plain'));
    expect(addresses.filter((name) => name.startsWith('10.'))).toEqual([]);
  }, 60_000);

  it('leaves nothing', async () => {
    const container = await testbed.host('h1').runPodman('plain');
    const sandbox = await testbed
      .host('h1')
      .podman.podmanOrFail(
        'inspect',
        '--format',
        '{{.NetworkSettings.SandboxKey}}',
        container.runtimeId ?? '',
      );
    expect(readdirSync('/run/netns')).toContain(sandbox.split('/').at(-1));
    await testbed.close();
    expect(await remains(testbed)).toEqual([]);
    expect(readdirSync('/run/netns')).not.toContain(sandbox.split('/').at(-1));
  }, 60_000);
});
