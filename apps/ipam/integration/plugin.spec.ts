import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AllocationHalf } from '@overlay/contracts';
import { type CommandResult, runCommand } from '@overlay/testbed';
import { IpamDaemon, NETWORK, PLUGIN, REPOSITORY } from './ipam-daemon.js';

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

  it('runs through a link, from any folder and without PATH', async () => {
    const link = join(daemon.folder, 'overlay-ipam');
    symlinkSync(PLUGIN, link);
    const bare = await daemon.plugin({ command: 'ADD', path: link, env: { PATH: '', HOME: '/nonexistent' } });
    expect(bare.exitCode).toBe(0);
  });

  it('finds the socket however the configuration is written', async () => {
    const escaped = daemon.conf().replaceAll('/', '\\/');
    const spaced = JSON.stringify(JSON.parse(daemon.conf()), undefined, '\t').replaceAll('": ', '" \r\n: ');
    const decoy = daemon.conf('1.0.0').replace('{', '{"args":{"a":{"key":"ipam","socket":"/nowhere"}},');
    for (const stdin of [escaped, spaced, decoy]) {
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

  it(
    'gives a reserved address to who names it, over restarts of the container and the daemon',
    async () => {
      const reserve = { network: NETWORK, half: AllocationHalf.CNI, name: 'db', requestedIps: ['9.0.1.9'] };
      const reserved = await daemon.client.reserve({ ...reserve, ttlMs: 600_000n });
      expect(reserved.ips).toEqual(['9.0.1.9', 'fd01:b::2']);
      expect(reserved.expiresAtMs).toBeGreaterThan(BigInt(Date.now()));
      await daemon.process.restart();
      const env = { CNI_ARGS: 'IgnoreUnknown=1;OVERLAY_RESERVATION=db' };
      for (const containerId of ['first', 'second']) {
        const added = await daemon.plugin({ command: 'ADD', containerId, env });
        expect(parsed(added)).toMatchObject({
          ips: [{ address: '9.0.1.9/27' }, { address: 'fd01:b::2/81' }],
        });
        const held = await daemon.plugin({ command: 'ADD', containerId: 'late', env });
        expect(parsed(held)).toMatchObject({ code: 101, msg: expect.stringContaining(containerId) });
        await daemon.plugin({ command: 'DEL', containerId });
      }
      const { capacities } = await daemon.client.getCapacity({ network: NETWORK });
      expect(capacities[0]).toMatchObject({ total: 29n, used: 0n, reserved: 1n, free: 28n });
      await daemon.client.unreserve({ network: NETWORK, half: AllocationHalf.CNI, name: 'db' });
      const gone = await daemon.plugin({ command: 'ADD', env });
      expect(parsed(gone)).toMatchObject({ code: 7, msg: expect.stringContaining('no reservation db here') });
    },
    TIMEOUT_MS,
  );

  it('ends a reservation when its term is over', async () => {
    const reserve = { network: NETWORK, half: AllocationHalf.CNI, name: 'short', requestedIps: [] };
    await daemon.client.reserve({ ...reserve, ttlMs: 1n });
    let reserved = 1n;
    while (reserved > 0n) {
      const { capacities } = await daemon.client.getCapacity({ network: NETWORK });
      reserved = capacities[0]?.reserved ?? 0n;
    }
    const { capacities } = await daemon.client.getCapacity({ network: NETWORK });
    expect(capacities[0]).toMatchObject({ reserved: 0n, cooling: 1n, free: 28n });
  });

  it('streams the capacity as it changes, and ends the stream when the daemon ends', async () => {
    const ending = new AbortController();
    const stream = daemon.client.watchCapacity({ network: NETWORK }, { signal: ending.signal });
    const messages = stream[Symbol.asyncIterator]();
    const first = await messages.next();
    expect(first.value.capacities).toMatchObject([
      { family: 4, total: 29n, used: 0n, free: 29n, largestBurst: 29n },
      { family: 6, used: 0n, largestBurst: 29n },
    ]);
    await daemon.plugin({ command: 'ADD' });
    const second = await messages.next();
    expect(second.value.capacities).toMatchObject([{ used: 1n, largestBurst: 28n }, { used: 1n }]);
    const ended = expect(messages.next()).rejects.toMatchObject({ code: 'unavailable' });
    await daemon.process.kill();
    await ended;
    ending.abort();
  });

  it('lists allocations in pages, each once', async () => {
    const owners = Array.from({ length: 7 }, (_, number) => ({
      containerId: `c${number}`,
      interface: 'eth0',
    }));
    for (const owner of owners) {
      await daemon.client.allocate({
        network: NETWORK,
        half: AllocationHalf.UNSPECIFIED,
        owner,
        requestedIps: [],
        reservation: '',
        labels: {},
      });
    }
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await daemon.client.listAllocations({ network: NETWORK, pageSize: 3, pageToken });
      seen.push(...page.allocations.map(({ owner }) => owner?.containerId ?? ''));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(owners.map(({ containerId }) => containerId));
  });
});

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
