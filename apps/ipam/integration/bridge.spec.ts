import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseCniAddresses, runCommand, runOrFail } from '@overlay/testbed';
import { IpamDaemon, REPOSITORY } from './ipam-daemon.js';

const TIMEOUT_MS = 60_000;
const CNI_FOLDER = '/usr/lib/cni';

/** A namespace that plays the host, and one for each container. */
describe('through the standard bridge plugin', () => {
  const prefix = `ipam-${randomBytes(3).toString('hex')}`;
  const namespaces: string[] = [];
  let daemon: IpamDaemon;
  let host: string;

  async function addNamespace(label: string): Promise<string> {
    const name = `${prefix}-${label}`;
    await runOrFail(['ip', 'netns', 'add', name]);
    namespaces.push(name);
    return name;
  }

  function bridge(command: string, container: string, stdin: string) {
    return runCommand(['nsenter', `--net=/run/netns/${host}`, '--', `${CNI_FOLDER}/bridge`], {
      input: stdin,
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        CNI_PATH: `${REPOSITORY}/bin/cni:${CNI_FOLDER}`,
        CNI_COMMAND: command,
        CNI_CONTAINERID: container,
        CNI_NETNS: `/run/netns/${container}`,
        CNI_IFNAME: 'eth0',
      },
    });
  }

  beforeAll(async () => {
    daemon = new IpamDaemon();
    await daemon.process.start();
    await daemon.configure('9.0.1.0/26', 'fd01:b::/81');
    host = await addNamespace('host');
  }, TIMEOUT_MS);

  afterAll(async () => {
    for (const name of namespaces) await runCommand(['ip', 'netns', 'del', name]);
    await daemon.remove();
  }, TIMEOUT_MS);

  it.each([
    ['0.2.0', 2],
    ['0.3.1', 3],
    ['0.4.0', 4],
    ['1.0.0', 5],
  ])(
    'adds and deletes in CNI %s',
    async (version, last) => {
      const container = await addNamespace(`v${version.replaceAll('.', '')}`);
      const added = await bridge('ADD', container, daemon.conf(version));
      expect(added).toMatchObject({ exitCode: 0 });
      const addresses = parseCniAddresses(JSON.parse(added.stdout)).map(({ address }) => address);
      expect(addresses).toEqual([`9.0.1.${last}/26`, `fd01:b::${last}/81`]);
      const shown = await runOrFail(['ip', '-n', container, '-o', 'address', 'show', 'dev', 'eth0']);
      for (const address of addresses) expect(shown).toContain(address);
      const routes = await runOrFail(['ip', '-n', container, 'route', 'show', 'default']);
      expect(routes).toContain('default via 9.0.1.1 dev eth0');
      expect(await runOrFail(['ip', '-n', container, '-6', 'route', 'show', 'default'])).toContain(
        'fd01:b::1',
      );
      const deleted = await bridge('DEL', container, daemon.conf(version));
      expect(deleted).toMatchObject({ exitCode: 0 });
      expect((await daemon.held()).size).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'gives 30 containers that start at once 30 addresses',
    async () => {
      const names = await Promise.all(Array.from({ length: 30 }, (_, number) => addNamespace(`p${number}`)));
      const added = await Promise.all(names.map((name) => bridge('ADD', name, daemon.conf())));
      expect(added.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
      const addresses = added.map(({ stdout }) => parseCniAddresses(JSON.parse(stdout))[0]?.address);
      expect(new Set(addresses).size).toBe(30);
      expect(new Set((await daemon.held()).values())).toEqual(new Set(addresses));
      await Promise.all(names.map((name) => bridge('DEL', name, daemon.conf())));
      expect((await daemon.held()).size).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'takes a DEL whose namespace is gone',
    async () => {
      const container = await addNamespace('gone');
      expect(await bridge('ADD', container, daemon.conf())).toMatchObject({ exitCode: 0 });
      await runOrFail(['ip', 'netns', 'del', container]);
      expect(await bridge('DEL', container, daemon.conf())).toMatchObject({ exitCode: 0 });
      expect((await daemon.held()).size).toBe(0);
    },
    TIMEOUT_MS,
  );
});
