import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CommandResult, runCommand } from '@overlay/testbed';
import { IpamDaemon, NETWORK, REPOSITORY } from './ipam-daemon.js';

const TIMEOUT_MS = 60_000;

function parsed(result: CommandResult): Record<string, unknown> {
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

describe('overlay-ipam as a process', () => {
  let daemon: IpamDaemon;

  beforeEach(async () => {
    daemon = new IpamDaemon();
    await daemon.process.start();
    await daemon.configure('9.0.1.0/27', 'fd01:b::/81');
  }, TIMEOUT_MS);

  afterEach(() => daemon.remove(), TIMEOUT_MS);

  it(
    'keeps allocations and pools over kill -9',
    async () => {
      await daemon.plugin({ command: 'ADD', containerId: 'before' });
      const before = await daemon.held();
      await daemon.process.restart();
      expect(await daemon.held()).toEqual(before);
      const added = await daemon.plugin({ command: 'ADD', containerId: 'after' });
      expect(parsed(added)).toMatchObject({ ips: [{ address: '9.0.1.3/27' }, { address: 'fd01:b::3/81' }] });
    },
    TIMEOUT_MS,
  );

  it(
    'keeps the order in which addresses were given back over kill -9',
    async () => {
      await daemon.configure('9.0.1.0/29');
      for (const containerId of ['a', 'b', 'c', 'd', 'e'])
        await daemon.plugin({ command: 'ADD', containerId });
      for (const containerId of ['d', 'b', 'c']) await daemon.plugin({ command: 'DEL', containerId });
      await daemon.process.restart();
      const { capacities } = await daemon.client.getCapacity({ network: NETWORK });
      expect(capacities[0]).toMatchObject({ total: 5n, used: 2n, cooling: 3n, free: 0n });
      for (const containerId of ['f', 'g', 'h']) await daemon.plugin({ command: 'ADD', containerId });
      const held = await daemon.held();
      expect(['f', 'g', 'h'].map((id) => held.get(id))).toEqual(['9.0.1.5/29', '9.0.1.3/29', '9.0.1.4/29']);
    },
    TIMEOUT_MS,
  );

  it(
    'keeps serving after junk on both sockets, whose mode is 0600',
    async () => {
      for (const path of [daemon.httpSocket, daemon.grpcSocket]) {
        expect(statSync(path).mode & 0o777).toBe(0o600);
        const junk = [
          '-s',
          '--max-time',
          '2',
          '--unix-socket',
          path,
          '-X',
          'JUNK',
          '--data-binary',
          '@/bin/ls',
        ];
        await runCommand(['curl', ...junk, 'http://localhost/\u0001']);
        await runCommand(['curl', '-s', '--max-time', '2', '--unix-socket', path, 'telnet://localhost'], {
          input: `\u0000\u0001junk${'x'.repeat(100_000)}\r\n\r\n`,
        });
      }
      expect((await daemon.plugin({ command: 'ADD' })).exitCode).toBe(0);
      expect(daemon.process.running).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses to start beside a daemon that lives',
    async () => {
      const config = JSON.parse(readFileSync(join(daemon.folder, 'ipam.json'), 'utf8'));
      const start = async (more: Readonly<Record<string, unknown>>) => {
        const file = join(daemon.folder, 'second.json');
        writeFileSync(file, JSON.stringify({ ...config, ...more }));
        const argv = [join(REPOSITORY, 'bin/overlay-ipam'), '--config', file];
        return runCommand(argv, { env: { PATH: process.env.PATH ?? '' } });
      };
      const sameSockets = await start({ state_dir: join(daemon.folder, 'second') });
      expect(sameSockets.exitCode).toBe(1);
      expect(sameSockets.stderr).toContain('listen.grpc: another process listens on');
      const listen = { grpc: `unix:${daemon.folder}/2.sock`, http: `unix:${daemon.folder}/3.sock` };
      const sameState = await start({ listen: { ...listen, metrics: '127.0.0.1:0' } });
      expect(sameState.exitCode).toBe(1);
      expect(sameState.stderr).toBe(
        `overlay-ipam: state_dir: the store in ${daemon.folder}/state cannot be opened: process ${daemon.process.pid} uses it: stop that process or choose another folder\n`,
      );
      expect((await daemon.plugin({ command: 'ADD' })).exitCode).toBe(0);
    },
    TIMEOUT_MS,
  );
});
