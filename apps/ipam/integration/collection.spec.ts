import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf } from '@overlay/contracts';
import { envOfOtherBoot, runCommand, runOrFail } from '@overlay/testbed';
import { IpamDaemon, NETWORK } from './ipam-daemon.js';

const TIMEOUT_MS = 60_000;

describe('containers that end without a DEL', () => {
  const prefix = `ipam-gc-${randomBytes(3).toString('hex')}`;
  const names = ['gone', 'stays'].map((label) => `${prefix}-${label}`);
  const [gone = '', stays = ''] = names;
  let daemon: IpamDaemon;

  beforeEach(async () => {
    daemon = new IpamDaemon(undefined, { collect_grace_ms: 100 });
    await daemon.process.start();
    await daemon.configure('9.0.1.0/27');
    for (const name of names) await runOrFail(['ip', 'netns', 'add', name]);
  }, TIMEOUT_MS);

  afterEach(async () => {
    for (const name of names) await runCommand(['ip', 'netns', 'del', name]);
    await daemon.remove();
  }, TIMEOUT_MS);

  it(
    'give their addresses back when their namespace is gone, also over kill -9 of the daemon',
    async () => {
      for (const containerId of names) await daemon.plugin({ command: 'ADD', containerId });
      await daemon.plugin({ command: 'ADD', containerId: 'never-seen' });
      await daemon.process.restart();
      await runOrFail(['ip', 'netns', 'del', gone]);
      while ((await daemon.held()).has(gone)) await setTimeout(50);
      expect([...(await daemon.held()).keys()].sort()).toEqual([stays, 'never-seen'].sort());
    },
    TIMEOUT_MS,
  );

  function allocate(containerId: string, networkNamespace?: string) {
    return daemon.client.allocate({
      network: NETWORK,
      half: AllocationHalf.CNI,
      owner: { containerId, interface: 'eth0' },
      requestedIps: [],
      reservation: '',
      labels: {},
      networkNamespace,
    });
  }

  it(
    "give back what a framework allocated once the namespace is gone, and never with CNI's GC",
    async () => {
      const path = (name: string) => `/run/netns/${name}`;
      for (const name of names) await allocate(name, path(name));
      const { allocation } = await allocate('nameless');
      expect(allocation).toMatchObject({ ownerKind: 'framework', networkNamespace: '' });
      const stdin = daemon.conf('1.1.0', { 'cni.dev/valid-attachments': [] });
      expect((await daemon.plugin({ command: 'GC', stdin })).exitCode).toBe(0);
      expect([...(await daemon.held()).keys()].sort()).toEqual([...names, 'nameless'].sort());
      await runOrFail(['ip', 'netns', 'del', gone]);
      while ((await daemon.held()).has(gone)) await setTimeout(50);
      expect([...(await daemon.held()).keys()].sort()).toEqual([stays, 'nameless'].sort());
    },
    TIMEOUT_MS,
  );

  it(
    'give back what a framework allocated before the host was started anew, unless it comes again',
    async () => {
      await daemon.remove();
      daemon = new IpamDaemon(undefined, { collect_grace_ms: 1000 });
      await daemon.process.start();
      await daemon.configure('9.0.1.0/27');
      for (const name of ['old', 'again']) await allocate(name);
      await daemon.process.kill();
      await daemon.process.start({ env: envOfOtherBoot(daemon.folder) });
      expect((await allocate('again')).allocation).toMatchObject({ bootId: 'another-boot' });
      while ((await daemon.held()).has('old')) await setTimeout(50);
      expect([...(await daemon.held()).keys()]).toEqual(['again']);
    },
    TIMEOUT_MS,
  );

  it('give their addresses back with GC', async () => {
    for (const containerId of ['a', 'b', 'c']) await daemon.plugin({ command: 'ADD', containerId });
    const valid = { 'cni.dev/valid-attachments': [{ containerID: 'b', ifname: 'eth0' }] };
    const environment = { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '' };
    const gc = { command: 'GC', stdin: daemon.conf('1.1.0', valid), env: environment };
    expect(await daemon.plugin(gc)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect([...(await daemon.held()).keys()]).toEqual(['b']);
    const early = { command: 'GC', stdin: daemon.conf('1.0.0', valid), env: environment };
    expect(JSON.parse((await daemon.plugin(early)).stdout)).toMatchObject({ code: 1 });
  });

  it(
    'make room again, which STATUS tells',
    async () => {
      await daemon.configure('9.0.1.0/29');
      const status = () =>
        daemon.plugin({
          command: 'STATUS',
          version: '1.1.0',
          env: { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '' },
        });
      expect(await status()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      for (const containerId of ['a', 'b', 'c', 'd', 'e']) {
        await daemon.plugin({ command: 'ADD', containerId });
      }
      const full = await status();
      expect(full.exitCode).toBe(1);
      expect(JSON.parse(full.stdout)).toMatchObject({ code: 50, msg: expect.stringContaining('5 of 5') });
      await daemon.plugin({ command: 'DEL', containerId: 'c' });
      expect((await status()).exitCode).toBe(0);
      await daemon.process.kill();
      expect(JSON.parse((await status()).stdout)).toMatchObject({ code: 50 });
    },
    TIMEOUT_MS,
  );
});
