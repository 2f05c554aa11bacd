import { chmodSync, copyFileSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CommandResult, runCommand } from '@overlay/testbed';
import { IpamDaemon, NETWORK, PLUGIN } from './ipam-daemon.js';

const TIMEOUT_MS = 60_000;

function parsed(result: CommandResult): Record<string, unknown> {
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

describe('the CNI plugin with a running daemon', () => {
  let daemon: IpamDaemon;

  beforeEach(async () => {
    daemon = new IpamDaemon();
    await daemon.process.start();
    await daemon.configure('9.0.1.0/27', 'fd01:b::/81');
  }, TIMEOUT_MS);

  afterEach(() => daemon.remove(), TIMEOUT_MS);

  it('adds, checks and deletes', async () => {
    const added = await daemon.plugin({ command: 'ADD' });
    expect(added).toMatchObject({ exitCode: 0, stderr: '' });
    expect(parsed(added)).toEqual({
      cniVersion: '1.0.0',
      ips: [
        { address: '9.0.1.2/27', gateway: '9.0.1.1' },
        { address: 'fd01:b::2/81', gateway: 'fd01:b::1' },
      ],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
      dns: {},
    });
    expect((await daemon.plugin({ command: 'ADD' })).stdout).toBe(added.stdout);
    const prevResult = parsed(added);
    const check = { command: 'CHECK', stdin: daemon.conf('1.0.0', { prevResult }) };
    expect(await daemon.plugin(check)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    for (const _time of [1, 2]) {
      expect(await daemon.plugin({ command: 'DEL' })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    }
    const gone = await daemon.plugin(check);
    expect(gone.exitCode).toBe(1);
    expect(parsed(gone)).toMatchObject({ code: 102 });
  });

  it(
    'gives 29 concurrent containers 29 addresses, and a 30th a clear error',
    async () => {
      const ids = Array.from({ length: 29 }, (_, number) => `c${number}`);
      const results = await Promise.all(
        ids.map((containerId) => daemon.plugin({ command: 'ADD', containerId })),
      );
      expect(results.map(({ exitCode }) => exitCode)).toEqual(ids.map(() => 0));
      expect(new Set((await daemon.held()).values()).size).toBe(29);
      const { capacities } = await daemon.client.getCapacity({ network: NETWORK });
      expect(capacities[0]).toMatchObject({ family: 4, total: 29n, used: 29n, free: 0n });
      expect(capacities[0]?.exhaustedSinceMs).toBeGreaterThan(0n);
      const late = await daemon.plugin({ command: 'ADD', containerId: 'late' });
      expect(late.exitCode).toBe(1);
      expect(parsed(late)).toMatchObject({
        code: 100,
        msg: expect.stringContaining('29 of 29 IPv4 addresses of 9.0.1.0/27 are used or reserved'),
      });
    },
    TIMEOUT_MS,
  );

  it.each([
    ['a /29', '9.0.1.0/30', '', ['9.0.1.2/30'], '1 of 1 IPv4 addresses of 9.0.1.0/30'],
    [
      'a /125',
      '',
      'fd01:b::/126',
      ['fd01:b::2/126', 'fd01:b::3/126'],
      '2 of 2 IPv6 addresses of fd01:b::/126',
    ],
  ])(
    'serves the half of %s block to its last address, then tells clearly that it is full',
    async (...row) => {
      const [, subnet, subnet6, addresses, full] = row;
      await daemon.configure(subnet, subnet6);
      for (const [number, address] of addresses.entries()) {
        const added = await daemon.plugin({ command: 'ADD', containerId: `c${number}` });
        expect(parsed(added)).toMatchObject({ ips: [{ address }] });
      }
      const late = await daemon.plugin({ command: 'ADD', containerId: 'late' });
      expect(late.exitCode).toBe(1);
      expect(parsed(late)).toMatchObject({
        code: 100,
        msg: expect.stringContaining(`${full} are used or reserved`),
      });
      expect(await daemon.plugin({ command: 'DEL', containerId: 'c0' })).toMatchObject({ exitCode: 0 });
      const next = await daemon.plugin({ command: 'ADD', containerId: 'next' });
      expect(parsed(next)).toMatchObject({ ips: [{ address: addresses[0] }] });
    },
  );

  it('runs through a link, from any folder and without PATH', async () => {
    const link = join(daemon.folder, 'overlay-ipam');
    symlinkSync(PLUGIN, link);
    const bare = await daemon.plugin({ command: 'ADD', path: link, env: { PATH: '', HOME: '/nonexistent' } });
    expect(bare.exitCode).toBe(0);
  });

  it('tells a caller who may not use the socket from a daemon that is away', async () => {
    const path = join(daemon.folder, 'overlay-ipam');
    copyFileSync(PLUGIN, path);
    chmodSync(path, 0o755);
    chmodSync(daemon.folder, 0o711);
    for (const [command, code] of [
      ['ADD', 103],
      ['CHECK', 103],
      ['DEL', 103],
      ['STATUS', 50],
    ] as const) {
      const env = {
        CNI_COMMAND: command,
        CNI_CONTAINERID: 'c1',
        CNI_NETNS: '/run/netns/c1',
        CNI_IFNAME: 'eth0',
      };
      const argv = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', path];
      const result = await runCommand(argv, { input: daemon.conf('1.1.0'), env });
      expect(result).toMatchObject({ exitCode: 1, stderr: '' });
      const msg = expect.stringMatching(
        /user 65534 may not use .*http\.sock: run the plugin as root.*Permission denied/,
      );
      expect(parsed(result)).toMatchObject({ code, msg });
    }
  });

  it('finds the socket however the configuration is written', async () => {
    const escaped = daemon.conf().replaceAll('/', '\\/');
    const spaced = JSON.stringify(JSON.parse(daemon.conf()), undefined, '\t').replaceAll('": ', '" \r\n: ');
    const decoy = daemon.conf('1.0.0').replace('{', '{"args":{"a":{"key":"ipam","socket":"/nowhere"}},');
    const long = daemon.conf('1.0.0', {
      notes: '\n'.repeat(100_000),
      ['\t'.repeat(100_000)]: 'x'.repeat(100_000),
    });
    for (const stdin of [escaped, spaced, decoy, long]) {
      expect(await daemon.plugin({ command: 'ADD', stdin })).toMatchObject({ exitCode: 0 });
    }
  });

  it('goes to no socket that is named anywhere but in ipam', async () => {
    const elsewhere = { socket: '/run/nobody.sock' };
    const named = daemon.conf('1.0.0', { args: { cni: elsewhere }, ...elsewhere, runtimeConfig: elsewhere });
    const inText = daemon.conf('1.0.0', { note: '"ipam":{"socket":"/run/nobody.sock"}' });
    const inOther = daemon.conf('1.0.0', { other: { ipam: elsewhere } });
    for (const stdin of [named, inText, inOther]) {
      expect(await daemon.plugin({ command: 'ADD', stdin })).toMatchObject({ exitCode: 0 });
    }
  });

  it('hands hostile values over as they are, and evaluates none', async () => {
    const witness = join(daemon.folder, 'witness');
    const label = `'"\`touch ${witness}\`$(touch ${witness})&CNI_COMMAND=DEL@=%00ü\n<>|*?[a]`;
    const added = await daemon.plugin({ command: 'ADD', env: { CNI_ARGS: `L=${label}` } });
    expect(added.exitCode).toBe(0);
    const { allocations } = await daemon.client.listAllocations({ network: '', pageSize: 0, pageToken: '' });
    expect(allocations[0]?.labels).toEqual({ L: label });
    const file = { command: 'ADD', containerId: '@/etc/passwd' };
    expect(parsed(await daemon.plugin(file))).toMatchObject({ code: 4 });
    expect(existsSync(witness)).toBe(false);
  });

  it.each<[string, number, Parameters<IpamDaemon['plugin']>[0]]>([
    ['100 KB of arguments', 4, { command: 'ADD', env: { CNI_ARGS: `A=${'ü'.repeat(50_000)}` } }],
    ['labels that are too many', 4, { command: 'ADD', env: { CNI_ARGS: `A=${'x'.repeat(9_000)}` } }],
    ['a verb that is unknown', 4, { command: 'GO' }],
    ['no container id', 4, { command: 'ADD', env: { CNI_CONTAINERID: '' } }],
    ['a path as container id', 4, { command: 'ADD', containerId: '../../etc/passwd' }],
    ['an interface that is not ASCII', 4, { command: 'ADD', env: { CNI_IFNAME: 'ü' } }],
    ['a path as interface', 4, { command: 'ADD', env: { CNI_IFNAME: '../x' } }],
    ['an address of the gateway', 7, { command: 'ADD', env: { CNI_ARGS: 'IP=9.0.1.1' } }],
    ['an address outside', 7, { command: 'ADD', env: { CNI_ARGS: 'IP=10.0.0.1' } }],
  ])('answers %s with code %i and changes nothing', async (_case, code, call) => {
    const result = await daemon.plugin(call);
    expect(result).toMatchObject({ exitCode: 1, stderr: '' });
    expect(parsed(result)).toMatchObject({ code, msg: expect.stringMatching(/.{10}/) });
    expect((await daemon.held()).size).toBe(0);
  });

  it(
    'answers configurations that are wrong with their codes',
    async () => {
      const cases: readonly [string, number][] = [
        [daemon.conf().slice(0, -1), 6],
        [daemon.conf('7.0.0'), 1],
        [daemon.conf('1.0.0', { name: 'other' }), 7],
        [daemon.conf('1.0.0', { name: '../../etc' }), 7],
        [daemon.conf('1.0.0', { name: undefined }), 7],
        [daemon.conf('1.0.0', { ipam: { socket: 'relative' } }), 7],
        [daemon.conf('1.0.0', { ipam: { socket: '/a"b' } }), 7],
        [daemon.conf('1.0.0', { padding: 'x'.repeat(1_100_000) }), 7],
      ];
      for (const [stdin, code] of cases) {
        const result = await daemon.plugin({ command: 'ADD', stdin });
        expect(result.exitCode).toBe(1);
        expect(parsed(result)).toMatchObject({ code });
      }
      expect((await daemon.held()).size).toBe(0);
    },
    TIMEOUT_MS,
  );
});
