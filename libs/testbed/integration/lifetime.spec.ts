import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { runCommand, Testbed } from '@overlay/testbed';
import { remains } from './remains.js';

const LIBRARY = join(process.cwd(), 'libs/testbed/dist/index.js');

const SERVE_ECHO = `await host.serveEcho();`;

/** Runs a program that makes a testbed with one host, does something there, and then ends in its own way. */
async function ownedBy(
  label: string,
  ending: string,
  deed = SERVE_ECHO,
): Promise<Pick<Testbed, 'name' | 'folder'>> {
  const script = `
    const { Testbed } = await import(${JSON.stringify(LIBRARY)});
    const testbed = await Testbed.create({ hosts: 1, label: ${JSON.stringify(label)} });
    const host = testbed.host('h1');
    ${deed}
    process.stdout.write(JSON.stringify({ name: testbed.name, folder: testbed.folder }), () => { ${ending} });`;
  const owner = await runCommand([process.execPath, '--input-type=module', '--eval', script]);
  return JSON.parse(owner.stdout) as Pick<Testbed, 'name' | 'folder'>;
}

describe('the end of a testbed', () => {
  it('leaves nothing, and two at once do not meet', async () => {
    const [first, second] = await Promise.all([Testbed.create({ hosts: 1 }), Testbed.create({ hosts: 2 })]);
    try {
      expect(first.name).not.toBe(second.name);
      expect(first.host('h1').address.ipv4).not.toBe(second.host('h1').address.ipv4);
      await second.host('h1').serveEcho();
      expect(await remains(second)).not.toEqual([]);
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
    expect([...(await remains(first)), ...(await remains(second))]).toEqual([]);
  }, 30_000);

  it('leaves nothing of a creation that failed midway', async () => {
    const endless: Record<string, unknown> = {};
    endless.self = endless; // cannot be written as JSON, which shows only once the namespaces are there
    await expect(Testbed.create({ hosts: 2, host: { ipam: endless } })).rejects.toThrow('circular');
    const mine = new RegExp(`^ov${process.pid}-`);
    const left = ['/run/netns', '/sys/class/net', '/tmp'].flatMap((folder) => readdirSync(folder));
    expect(left.filter((name) => mine.test(name))).toEqual([]);
  }, 30_000);

  it('comes with the death of its owner: the next one removes the remains', async () => {
    const dead = await ownedBy('lifetime', `process.kill(process.pid, 'SIGKILL');`);
    expect(await remains(dead)).not.toEqual([]);
    await Testbed.cleanupStale();
    expect(await remains(dead)).toEqual([]);
  }, 30_000);

  it('comes with the death of its owner also to a Docker Engine and its containers', async () => {
    const deed = `await host.startDocker(); await host.runDocker('bridge');`;
    const dead = await ownedBy('lifetime', `process.kill(process.pid, 'SIGKILL');`, deed);
    expect((await remains(dead)).filter((line) => line.includes('cgroup'))).not.toEqual([]);
    await Testbed.cleanupStale();
    expect(await remains(dead)).toEqual([]);
  }, 60_000);

  it.each(['SIGTERM', 'SIGINT'])(
    'comes with %s to its owner',
    async (signal) => {
      const dead = await ownedBy(
        'lifetime',
        `process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000);`,
      );
      expect(await remains(dead)).toEqual([]);
    },
    30_000,
  );

  it('comes with the plain end of its owner', async () => {
    expect(await remains(await ownedBy('lifetime', ''))).toEqual([]);
  }, 30_000);

  it('comes on demand when it was detached', async () => {
    const label = `detached-${process.pid}`;
    const kept = await ownedBy(label, 'testbed.detach();');
    try {
      await Testbed.cleanupStale();
      expect((await remains(kept)).filter((line) => line.includes('probe'))).not.toEqual([]);
    } finally {
      expect(await Testbed.removeDetached(label)).toEqual([kept.name]);
    }
    expect(await remains(kept)).toEqual([]);
  }, 30_000);
});
