import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CommandResult, runCommand } from '@overlay/testbed';
import fc from 'fast-check';
import { parseCniCall } from '../src/cni/cni-call.js';
import { IpamDaemon, PLUGIN } from './ipam-daemon.js';

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

  it('is strict Perl without warnings, though it does not spend the time to load either', async () => {
    const whole = readFileSync(PLUGIN, 'utf8').replace(/^__DATA__$/m, '');
    const compiled = await runCommand(['perl', '-Mstrict', '-Mwarnings', '-M-warnings=once', '-c', '-'], {
      input: whole,
    });
    expect(compiled).toMatchObject({ exitCode: 0, stderr: '- syntax OK\n' });
  });

  it('tells a configuration that cannot be read', async () => {
    const result = await runCommand(['sh', '-c', 'exec "$0" < /', PLUGIN], { env: { CNI_COMMAND: 'ADD' } });
    expect(result.exitCode).toBe(1);
    expect(parsed(result)).toMatchObject({ code: 5, msg: expect.stringContaining('cannot be read') });
  });

  it('takes the last of keys that are there twice, with all that is in it', async () => {
    const stdin = daemon.conf('1.1.0').replace('}', '},"ipam":{}');
    const result = await daemon.plugin({ command: 'STATUS', stdin });
    const msg = expect.stringContaining('does not answer on /run/overlay/ipam-http.sock');
    expect(parsed(result)).toMatchObject({ code: 50, msg });
  });

  it.each(['ADD', 'DEL', 'STATUS'])('tells junk from a daemon that is away: %s', async (command) => {
    for (const stdin of [
      'junk',
      '{',
      '{}{}',
      '\f{}',
      '\u00a0{}',
      '[]',
      '',
      '{"name":"dcos",}',
      '{"name":"dcos\n1}',
      '{"name":"dcos\\q"}',
      `{"a":${'['.repeat(5_000)}`,
    ]) {
      expect(parsed(await daemon.plugin({ command, stdin }))).toMatchObject({ code: 6 });
    }
  });

  it(
    'finds the same wrong with a call as the daemon would, and queues nothing of it',
    async () => {
      const name = fc.constantFrom('dcos', '', '..', 'host', 'n'.repeat(14), 'a b', 'ü', 7, null, {});
      const version = fc.constantFrom('0.1.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0', '2.0.0', '', 1, null);
      const config = fc.record(
        { cniVersion: version, name, 'cni.dev/valid-attachments': fc.constant([]) },
        { requiredKeys: [] },
      );
      const text = fc.constantFrom('c1', '', '../x', 'a b', 'ü', '.', 'x'.repeat(300), '-a');
      const environment = fc.record({
        CNI_COMMAND: fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'add', ''),
        CNI_CONTAINERID: text,
        CNI_NETNS: fc.constantFrom('/run/netns/c1', '', 'x'.repeat(5000)),
        CNI_IFNAME: fc.oneof(fc.constant('eth0'), text),
        CNI_ARGS: fc.constantFrom('', 'A=b', ';;A=b=c;', 'junk', '=b', 'A=b;junk'),
      });
      await fc.assert(
        fc.asyncProperty(config, environment, async (keys, env) => {
          const ipam = { type: 'overlay-ipam', socket: daemon.httpSocket, deletions_dir: daemon.deletions };
          const stdin = JSON.stringify({ ...keys, ipam });
          const reading = parseCniCall(env, stdin);
          const result = await daemon.plugin({ command: env.CNI_COMMAND, env, stdin });
          if (reading.ok && reading.call.command === 'DEL') {
            expect(result).toMatchObject({ exitCode: 0, stdout: '' });
            return;
          }
          const away = reading.ok && reading.call.command === 'STATUS' ? 50 : 11;
          expect(parsed(result)).toMatchObject({ code: reading.ok ? away : reading.error.code });
          expect(result.exitCode).toBe(1);
        }),
        { numRuns: 250 },
      );
    },
    TIMEOUT_MS,
  );

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
    'waits with ADD for a daemon that is started anew',
    async () => {
      await daemon.process.start();
      await daemon.configure('9.0.1.0/27');
      await daemon.process.kill();
      const added = daemon.plugin({ command: 'ADD', containerId: 'patient' });
      await daemon.process.start();
      expect(await added).toMatchObject({ exitCode: 0, stderr: '' });
      expect([...(await daemon.held()).keys()]).toEqual(['patient']);
    },
    TIMEOUT_MS,
  );

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

  it.each(['which is there', 'which it makes'])(
    'queues DEL for whoever owns the folder, %s, and for nobody else',
    async (folder) => {
      const nobody = 65_534;
      chownSync(daemon.folder, nobody, nobody);
      const queue = folder === 'which it makes' ? join(daemon.folder, 'new/deletions') : daemon.deletions;
      if (queue === daemon.deletions) {
        mkdirSync(queue, { mode: 0o700 });
        chownSync(queue, nobody, nobody);
      }
      const ipam = { type: 'overlay-ipam', socket: daemon.httpSocket, deletions_dir: queue };
      const stdin = daemon.conf('1.0.0', { ipam });
      expect(await daemon.plugin({ command: 'DEL', stdin })).toMatchObject({ exitCode: 0 });
      const [file = ''] = readdirSync(queue);
      const found = [join(queue, file), queue].map((path) => statSync(path));
      expect(found.map(({ uid, gid, mode }) => [uid, gid, mode & 0o777])).toEqual([
        [nobody, nobody, 0o600],
        [nobody, nobody, 0o700],
      ]);
      const reading = [
        'setpriv',
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        'cat',
        join(queue, file),
      ];
      expect(await runCommand(reading)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining(stdin),
      });
    },
  );

  it('gives nothing away that somebody put in the place of the folder it makes', async () => {
    chownSync(daemon.folder, 65_534, 65_534);
    const precious = join(daemon.folder, 'precious');
    mkdirSync(precious);
    symlinkSync(precious, daemon.deletions);
    expect(await daemon.plugin({ command: 'DEL' })).toMatchObject({ exitCode: 0 });
    expect(statSync(precious).uid).toBe(0);
  });

  it('fails DEL with code 11 when it can be neither done nor queued', async () => {
    writeFileSync(daemon.deletions, 'a file where the folder should be');
    const result = await daemon.plugin({ command: 'DEL' });
    expect(result.exitCode).toBe(1);
    expect(parsed(result)).toMatchObject({ code: 11 });
  });
});
