import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf } from '@overlay/contracts';
import { IpamDaemon, NETWORK, PLUGIN } from './ipam-daemon.js';

const TIMEOUT_MS = 120_000;
const CONTAINERS = 100;
/** Of a /25: all but network, gateway and broadcast address. */
const USABLE = 125;

interface Call {
  readonly containerId: string;
  readonly exitCode: number | null;
  readonly stdout: string;
}

describe('100 containers started at once, with plugin and daemon killed at random', () => {
  let daemon: IpamDaemon;

  beforeEach(async () => {
    daemon = new IpamDaemon();
    await daemon.process.start();
    await daemon.configure('9.0.1.0/25');
  }, TIMEOUT_MS);

  afterEach(() => daemon.remove(), TIMEOUT_MS);

  /** Calls the plugin; with a time, it and what it started are killed then. */
  function call(command: string, containerId: string, killAfterMs?: number): Promise<Call> {
    return new Promise((resolve) => {
      const child = spawn(PLUGIN, [], {
        detached: true,
        stdio: ['pipe', 'pipe', 'ignore'],
        env: {
          CNI_COMMAND: command,
          CNI_CONTAINERID: containerId,
          CNI_NETNS: `/run/netns/${containerId}`,
          CNI_IFNAME: 'eth0',
        },
      });
      let stdout = '';
      child.stdout.on('data', (data: Buffer) => {
        stdout += data.toString();
      });
      // A plugin that was killed does not read its input.
      child.stdin.on('error', () => undefined);
      child.stdin.end(daemon.conf('1.1.0'));
      const killer = killAfterMs === undefined ? undefined : killLater(child.pid, killAfterMs);
      child.on('close', (exitCode) => {
        killer?.abort();
        resolve({ containerId, exitCode, stdout });
      });
    });
  }

  it(
    'gives no address twice, leaks none and fills to exactly 100 %',
    async () => {
      const ids = Array.from({ length: CONTAINERS }, (_, number) => `c${number}`);
      const calls = ids.map((id, at) =>
        call('ADD', id, at % 3 === 0 ? Math.floor(Math.random() * 1500) : undefined),
      );
      for (let kill = 0; kill < 3; kill += 1) {
        await setTimeout(Math.random() * 300);
        await daemon.process.restart();
      }
      const ended = await Promise.all(calls);
      const added = new Map(
        ended.filter(({ exitCode }) => exitCode === 0).map((one) => [one.containerId, one]),
      );
      const answered = [...added.values()].map(({ stdout }) => addressOf(stdout));
      expect(new Set(answered).size).toBe(answered.length);
      const held = await daemon.held();
      expect(new Set(held.values()).size).toBe(held.size);
      for (const [id, { stdout }] of added) expect(held.get(id)).toBe(addressOf(stdout));

      const failed = ids.filter((id) => !added.has(id));
      for (const id of failed.filter((_, at) => at % 2 === 0)) {
        expect(await call('DEL', id)).toMatchObject({ exitCode: 0 });
      }
      const valid = [...added.keys()].map((containerID) => ({ containerID, ifname: 'eth0' }));
      const stdin = daemon.conf('1.1.0', { 'cni.dev/valid-attachments': valid });
      expect(await daemon.plugin({ command: 'GC', stdin })).toMatchObject({ exitCode: 0 });
      expect(new Set((await daemon.held()).keys())).toEqual(new Set(added.keys()));

      const fillers = Array.from({ length: USABLE - added.size }, (_, number) => `fill${number}`);
      await Promise.all(fillers.map((containerId) => allocate(containerId)));
      expect(new Set((await daemon.held()).values()).size).toBe(USABLE);
      await expect(allocate('late')).rejects.toMatchObject({ code: 'resource_exhausted' });
      const late = await call('ADD', 'late');
      expect(JSON.parse(late.stdout)).toMatchObject({
        code: 100,
        msg: expect.stringContaining(`${USABLE} of ${USABLE} IPv4 addresses`),
      });
    },
    TIMEOUT_MS,
  );

  function allocate(containerId: string) {
    const owner = { containerId, interface: 'eth0' };
    const wish = { network: NETWORK, half: AllocationHalf.CNI, owner, requestedIps: [] };
    return daemon.client.allocate({ ...wish, reservation: '', labels: {} });
  }
});

describe('a DEL that overlay-ipam does not answer', () => {
  let daemon: IpamDaemon;

  beforeEach(async () => {
    daemon = new IpamDaemon();
    await daemon.process.start();
    await daemon.configure('9.0.1.0/29');
    for (const containerId of ['gone', 'stays']) await daemon.plugin({ command: 'ADD', containerId });
  }, TIMEOUT_MS);

  afterEach(() => daemon.remove(), TIMEOUT_MS);

  const DONE = { exitCode: 0, stdout: '', stderr: '' };
  const queued = () => readdirSync(daemon.deletions).filter((name) => name.endsWith('.del'));

  it(
    'succeeds when overlay-ipam is killed meanwhile, and is performed by the next one',
    async () => {
      daemon.process.pause();
      const deletion = daemon.plugin({ command: 'DEL', containerId: 'gone' });
      await setTimeout(1000);
      await daemon.process.kill();
      expect(await deletion).toEqual(DONE);
      expect(queued()).toHaveLength(1);
      await daemon.process.start();
      expect([...(await daemon.held()).keys()]).toEqual(['stays']);
      expect(queued()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'succeeds when overlay-ipam is stopped, and is performed when it goes on',
    async () => {
      daemon.process.pause();
      expect(await daemon.plugin({ command: 'DEL', containerId: 'gone' })).toEqual(DONE);
      expect(queued()).toHaveLength(1);
      daemon.process.resume();
      while (queued().length > 0) await setTimeout(100);
      expect([...(await daemon.held()).keys()]).toEqual(['stays']);
    },
    TIMEOUT_MS,
  );

  it(
    'frees nothing of a container that was added again since',
    async () => {
      daemon.process.pause();
      expect(await daemon.plugin({ command: 'DEL', containerId: 'gone' })).toEqual(DONE);
      const addition = daemon.plugin({ command: 'ADD', containerId: 'gone', version: '1.0.0' });
      await setTimeout(1000);
      daemon.process.resume();
      const added = await addition;
      expect(added.exitCode).toBe(0);
      expect(queued()).toEqual([]);
      await setTimeout(6000);
      expect((await daemon.held()).get('gone')).toBe(addressOf(added.stdout));
      // It was freed in between: what is given back first is given out again last.
      expect(addressOf(added.stdout)).toBe('9.0.1.4/29');
    },
    TIMEOUT_MS,
  );
});

function killLater(pid: number | undefined, afterMs: number): AbortController {
  const controller = new AbortController();
  setTimeout(afterMs, undefined, { signal: controller.signal }).then(
    () => killGroup(pid),
    () => undefined,
  );
  return controller;
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}

function addressOf(stdout: string): string {
  const { ips } = JSON.parse(stdout) as { readonly ips: readonly { readonly address: string }[] };
  return ips[0]?.address ?? '';
}
