import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AllocationHalf,
  MasterServiceService,
  NetworkStatus,
  type RegisterAgentResponse,
} from '@overlay/contracts';
import { formatListenAddress } from '@overlay/model';
import { createRpcClient, type RpcClient, startRpcServer } from '@overlay/rpc';
import { createCertificates, LoneMaster } from '@overlay/testbed';
import { runOverlayctl, runOverlayctlInto } from './run-overlayctl.js';

const OVERLAYS = [
  { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24 },
  { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80 },
];

let master: LoneMaster;
let agents: RpcClient<typeof MasterServiceService>;

beforeAll(async () => {
  master = await LoneMaster.start({
    network: { vtep_subnet: '44.128.0.0/20', vtep_subnet6: 'fd01:a::/64', overlays: OVERLAYS },
  });
  agents = createRpcClient(MasterServiceService, { target: master.grpcAddress });
}, 60_000);

afterAll(async () => {
  agents?.close();
  await master?.close();
});

function register(index: number): Promise<RegisterAgentResponse> {
  const networkConfig = { allocateSubnet: true, mesosBridge: true, dockerBridge: true };
  return agents.registerAgent({
    nodeId: `node-${index}`,
    ip: `10.7.0.${index}`,
    networkConfig,
    attributes: {},
  });
}

function overlayctl(...args: readonly string[]) {
  return runOverlayctl(args, { OVERLAY_MASTER: master.grpcAddress });
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const run = await overlayctl('--json', ...args);
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  return JSON.parse(run.stdout) as Record<string, unknown>;
}

async function expectFailure(args: readonly string[], exitCode: number, ...reasons: readonly string[]) {
  const run = await overlayctl(...args);
  expect({ args, exitCode: run.exitCode, stdout: run.stdout }).toEqual({ args, exitCode, stdout: '' });
  for (const reason of reasons) expect(run.stderr).toContain(reason);
  expect(run.stderr).not.toMatch(/^\s+at /m);
}

describe('overlayctl with a configuration', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlayctl-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('finds the master and the format there, before or after the command, unless flags say otherwise', async () => {
    const config = join(folder, 'overlayctl.yaml');
    writeFileSync(config, `master: "${master.grpcAddress}"\njson: true\n`);
    for (const args of [
      ['--config', config, 'network', 'ls'],
      ['network', 'ls', '--config', config],
    ]) {
      const run = await runOverlayctl(args);
      expect(run).toMatchObject({ exitCode: 0, stderr: '' });
      expect(JSON.parse(run.stdout)).toMatchObject({ networks: [{ name: 'dcos' }, { name: 'dcos6' }] });
    }
    const text = await runOverlayctl(['--config', config, 'network', 'ls', '--no-json']);
    expect(text.stdout).toMatch(/dcos6 .*fd01:b::\/64/);
    const elsewhere = { OVERLAY_MASTER: `unix:${join(folder, 'no.sock')}` };
    const astray = await runOverlayctl(['--config', config, '--timeout', '1', 'network', 'ls'], elsewhere);
    expect(astray).toMatchObject({ exitCode: 1, stdout: '' });
    expect(astray.stderr).toContain('no.sock');
  });
});

describe('overlayctl with a master', () => {
  beforeEach(async () => {
    await register(1);
    const { assignment } = await register(2);
    const dcos = assignment?.networks.find(({ network }) => network?.name === 'dcos');
    await agents.reportAgent({
      nodeId: 'node-2',
      networks: [
        {
          networkId: dcos?.networkId ?? '',
          state: { status: NetworkStatus.FAILED, error: 'no\u001b[2J device' },
        },
      ],
      containers: [
        {
          containerId: 'c1',
          interface: 'eth0',
          network: 'dcos',
          half: AllocationHalf.CNI,
          ip: '9.0.1.5',
          ip6: '',
          agentIp: '',
          labels: { app: 'web' },
        },
      ],
      capacities: [
        {
          network: 'dcos',
          half: AllocationHalf.CNI,
          family: 4,
          total: 125n,
          used: 1n,
          reserved: 0n,
          cooling: 0n,
          free: 124n,
          exhaustedSinceMs: 0n,
          agentIp: '',
          largestBurst: 124n,
          silent: false,
        },
      ],
      removedNetworkIds: [],
    });
  });

  it('lists and shows networks', async () => {
    const table = await overlayctl('network', 'ls');
    expect(table.exitCode).toBe(0);
    expect(table.stdout).toMatch(/^dcos +9\.0\.0\.0\/8 +\/24 /m);
    expect(await json('network', 'ls')).toMatchObject({
      networks: [
        { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true, isolated: false, phase: 'active' },
        { name: 'dcos6', prefix6: 80 },
      ],
    });
    expect(await json('network', 'show', 'dcos')).toMatchObject({
      network: { name: 'dcos', origin: 'configuration' },
      agents: [
        { ip: '10.7.0.1', subnet: '9.0.0.0/24', status: 'configuring' },
        { ip: '10.7.0.2', subnet: '9.0.1.0/24', status: 'failed' },
      ],
    });
    await expectFailure(['network', 'show', 'nope'], 1, 'no network "nope"', 'dcos, dcos6');
    const overlapping = ['network', 'create', 'lab', '--subnet', '9.0.0.0/16', '--prefix', '24'];
    await expectFailure(overlapping, 1, '--subnet: ', 'overlaps');
  });

  it('lists and shows agents', async () => {
    const { stdout } = await overlayctl('agent', 'ls');
    expect(stdout).toMatch(/^10\.7\.0\.2 +44\.128\.0\.2\/20 +70:b3:d5:80:00:02 +no /m);
    const shown = await overlayctl('agent', 'show', '10.7.0.2');
    expect(shown.stdout).toContain('d-dcos 9.0.1.128/25');
    expect(shown.stdout).toContain('failed');
    expect(shown.stdout).not.toContain('\u001b');
    expect(await json('agent', 'show', '10.7.0.2')).toMatchObject({
      agent: { ip: '10.7.0.2', node_id: 'node-2', connected: false },
    });
    await expectFailure(['agent', 'show', '10.9.9.9'], 1, 'no agent has the address 10.9.9.9');
  });

  it('lists containers and capacity', async () => {
    expect(await json('container', 'ls', '--network', 'dcos')).toEqual({
      containers: [
        {
          container_id: 'c1',
          interface: 'eth0',
          network: 'dcos',
          half: 'cni',
          ip: '9.0.1.5',
          agent_ip: '10.7.0.2',
          labels: { app: 'web' },
        },
      ],
    });
    expect(await json('container', 'ls', '--network', 'dcos6')).toEqual({ containers: [] });
    expect(await json('capacity')).toMatchObject({
      capacities: [{ agent_ip: '10.7.0.2', network: 'dcos', free: '124', total: '125' }],
    });
    expect((await overlayctl('capacity', '--network', 'dcos')).stdout).toMatch(
      /^10\.7\.0\.2 +dcos +cni +IPv4 +124 /m,
    );
    await expectFailure(['capacity', '--network', 'nope'], 1, 'no network "nope"');
  });

  it('gives the state as the HTTP endpoint does', async () => {
    const response = await fetch(`${master.httpUrl}/overlay-master/state`);
    expect(await json('state')).toEqual(await response.json());
    expect((await overlayctl('state')).stdout).toContain('2, 0 connected');
  });

  it('reads lists of several pages', async () => {
    for (let index = 11; index <= 220; index++) await register(index);
    const { agents: listed } = await json('agent', 'ls');
    expect(listed).toHaveLength(212);
    const ips = Array.from({ length: 210 }, (_, index) => `10.7.0.${index + 11}`);
    expect(await json('agent', 'delete', '--yes', ...ips)).toMatchObject({ unknown: [] });
    expect((await json('agent', 'ls')).agents).toHaveLength(2);
  }, 60_000);

  it('deletes only what was confirmed', async () => {
    await register(3);
    await expectFailure(['agent', 'delete', '10.7.0.3'], 2, '10.7.0.3 (VTEP 44.128.0.', '--yes');
    expect((await json('agent', 'ls')).agents).toHaveLength(3);
    expect(await overlayctl('agent', 'delete', '10.7.0.3', '--yes')).toMatchObject({
      exitCode: 0,
      stdout: 'deleted 10.7.0.3\n',
    });
    const again = await overlayctl('agent', 'delete', '10.7.0.3', '--yes');
    expect(again).toMatchObject({ exitCode: 0, stdout: '' });
    expect(again.stderr).toContain('no agent has the address 10.7.0.3');
    expect((await json('agent', 'ls')).agents).toHaveLength(2);
  });

  it('deletes a connected agent only by force', async () => {
    const { revision } = await register(4);
    const leave = new AbortController();
    const stream = agents.watchTopology(
      { nodeId: 'node-4', fromRevision: revision },
      { signal: leave.signal },
    );
    const frames = stream[Symbol.asyncIterator]();
    try {
      await frames.next();
      expect(await json('agent', 'show', '10.7.0.4')).toMatchObject({ agent: { connected: true } });
      await expectFailure(['agent', 'delete', '10.7.0.4', '--yes'], 1, '10.7.0.4', '--force');
      expect(await json('agent', 'delete', '10.7.0.4', '--yes', '--force')).toEqual({
        deleted: ['10.7.0.4'],
        unknown: [],
      });
    } finally {
      leave.abort();
      await frames.return?.(undefined);
    }
  });
});

describe('overlayctl without what it needs', () => {
  it('names the master that it cannot reach and the way out', async () => {
    const free = '127.0.0.1:1';
    const run = await runOverlayctl(['--master', free, 'network', 'ls']);
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain(`cannot reach the master at ${free}`);
    expect(run.stderr).toContain('--master or OVERLAY_MASTER');
    expect(run.stderr).not.toMatch(/^\s+at /m);
  });

  it('says that its answer could not be written', () => {
    const ended = runOverlayctlInto('/dev/full', ['state', '--master', master.grpcAddress]);
    expect(ended).toEqual({ exitCode: 1, stderr: expect.stringContaining('ENOSPC') });
  });

  it.each([
    ['network', 'ls'],
    ['capacity', '--watch'],
  ])('gives a master up that hangs: %s %s', async (...args) => {
    const silent = createServer();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const run = await runOverlayctl(['--master', `127.0.0.1:${port}`, '--timeout', '1', ...args]);
    silent.close();
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain(`the master at 127.0.0.1:${port} did not answer in time`);
  });

  it('names the TLS file that it cannot read', async () => {
    const args = [
      '--tls-ca',
      '/nowhere/ca.pem',
      '--tls-cert',
      '/nowhere/c.pem',
      '--tls-key',
      '/nowhere/k.pem',
    ];
    await expectFailure([...args, 'state'], 1, '/nowhere/');
  });

  it('says nothing of its own about a TLS master that is called by its address', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlay-tls-'));
    const { client, server: tls } = await createCertificates(folder);
    const listen = { key: 'listen', address: { kind: 'tcp', host: '127.0.0.1', port: 0 } } as const;
    const server = await startRpcServer({ listen, services: [], tls, onInternalError: () => undefined });
    const target = formatListenAddress(server.address);
    const files = ['--tls-ca', client.ca, '--tls-cert', client.cert, '--tls-key', client.key];
    const run = await runOverlayctl(['--master', target, ...files, 'network', 'ls']);
    await server.close(0);
    rmSync(folder, { recursive: true });
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^overlayctl: .*does not know this command/),
    ]);
  });

  it('says which process of the host is silent, and answers all the same', async () => {
    const sockets = ['agent', 'dataplane', 'ipam'].flatMap((name) => [
      `--${name}-socket`,
      `/nowhere/${name}.sock`,
    ]);
    const run = await runOverlayctl(['host', 'status', '--json', ...sockets]);
    expect(run.exitCode).toBe(1);
    expect(Object.keys(JSON.parse(run.stdout) as object)).toEqual(['agent', 'dataplane', 'ipam']);
    expect(run.stderr).toContain('overlay-dataplane at unix:/nowhere/dataplane.sock');
  });

  it('takes junk for a usage error', async () => {
    await expectFailure(['netwrok', 'ls'], 2, 'Did you mean network?');
    await expectFailure(['agent', 'show', '\u0000-'.slice(1)], 2, 'overlayctl: ');
    await expectFailure(['agent', 'delete', '--yes', '999.1.1.1'], 2, '999.1.1.1');
    await expectFailure(['network', 'show', '../../etc'], 2, '../../etc');
  });
});
