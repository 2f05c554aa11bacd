import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandResult } from '@overlay/testbed';
import { IpamDaemon } from './ipam-daemon.js';

const TIMEOUT_MS = 60_000;

function parsed(result: CommandResult): Record<string, unknown> {
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

describe('the CNI plugin without a daemon', () => {
  let daemon: IpamDaemon;

  beforeEach(() => {
    daemon = new IpamDaemon();
  });

  afterEach(() => daemon.remove(), TIMEOUT_MS);

  it('answers VERSION', async () => {
    const result = await daemon.plugin({ command: 'VERSION', version: '0.4.0' });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(parsed(result)).toEqual({
      cniVersion: '0.4.0',
      supportedVersions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
    });
  });

  it.each(['ADD', 'DEL', 'STATUS'])('tells junk from a daemon that is away: %s', async (command) => {
    for (const stdin of ['junk', '{', '{}{}', '[]', '', '{"name":"dcos",}', `{"a":${'['.repeat(5_000)}`]) {
      expect(parsed(await daemon.plugin({ command, stdin }))).toMatchObject({ code: 6 });
    }
  });

  it.each([
    ['100 KB of arguments, which it does not need', { env: { CNI_ARGS: `A=${'x'.repeat(100_000)}` } }, 0],
    ['a container id that is too long', { containerId: 'x'.repeat(300) }, 1],
    ['an interface that is not ASCII', { env: { CNI_IFNAME: 'ü' } }, 1],
  ])('handles a DEL with %s', async (_case, call, exitCode) => {
    expect((await daemon.plugin({ command: 'DEL', ...call })).exitCode).toBe(exitCode);
    const queued = existsSync(daemon.deletions) ? readdirSync(daemon.deletions) : [];
    expect(queued).toHaveLength(1 - exitCode);
  });

  it('fails ADD with code 11 in the version of the caller', async () => {
    const result = await daemon.plugin({ command: 'ADD', version: '0.2.0' });
    expect(result).toMatchObject({ exitCode: 1, stderr: '' });
    expect(parsed(result)).toMatchObject({ cniVersion: '0.2.0', code: 11 });
  });

  it(
    'queues DEL, which the daemon performs before it serves',
    async () => {
      await daemon.process.start();
      await daemon.configure('9.0.1.0/27');
      await daemon.plugin({ command: 'ADD', containerId: 'gone' });
      await daemon.plugin({ command: 'ADD', containerId: 'stays' });
      await daemon.process.kill();
      const deleted = await daemon.plugin({ command: 'DEL', containerId: 'gone' });
      expect(deleted).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      const [file = ''] = readdirSync(daemon.deletions);
      expect(readFileSync(join(daemon.deletions, file), 'utf8')).toBe(
        `CNI_COMMAND=DEL\nCNI_CONTAINERID=gone\nCNI_IFNAME=eth0\n\n${daemon.conf()}`,
      );
      writeFileSync(join(daemon.deletions, 'junk.del'), 'junk');
      await daemon.process.start();
      expect([...(await daemon.held()).keys()]).toEqual(['stays']);
      expect(readdirSync(daemon.deletions)).toEqual(['unreadable']);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['a container id that is a path', { containerId: '../x' }],
    ['an interface that is a path', { env: { CNI_IFNAME: '../x' } }],
    ['no container id', { env: { CNI_CONTAINERID: '' } }],
  ])('does not queue a DEL with %s', async (_case, call) => {
    const result = await daemon.plugin({ command: 'DEL', ...call });
    expect(result.exitCode).toBe(1);
    expect(parsed(result)).toMatchObject({ code: 4 });
    expect(existsSync(daemon.deletions) ? readdirSync(daemon.deletions) : []).toEqual([]);
  });

  it('fails DEL with code 11 when it can be neither done nor queued', async () => {
    writeFileSync(daemon.deletions, 'a file where the folder should be');
    const result = await daemon.plugin({ command: 'DEL' });
    expect(result.exitCode).toBe(1);
    expect(parsed(result)).toMatchObject({ code: 11 });
  });
});
