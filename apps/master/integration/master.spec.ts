import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AllocationHalf,
  MasterServiceService,
  NetworkPhase,
  NetworkServiceService,
  NetworkStatus,
  type TopologyFrame,
  TopologyFrameKind,
} from '@overlay/contracts';
import type { OverlayError } from '@overlay/failure';
import { masterConfiguration, type NetworkId } from '@overlay/model';
import { openEmbeddedOverlayLog } from '@overlay/overlay-log';
import { createRpcClient, type RpcClient } from '@overlay/rpc';
import { createLogger, Metrics, Readiness, type RunningProcess, systemClock } from '@overlay/service';
import { NO_FAIL_POINTS } from '../src/commit/fail-points.js';
import { runMaster } from '../src/master.js';

let folder = '';
let running: RunningProcess | undefined;
let agents: RpcClient<typeof MasterServiceService>;
let networks: RpcClient<typeof NetworkServiceService>;
let ids = 0;

const NETWORK = {
  vtep_subnet: '44.128.0.0/20',
  vtep_subnet6: 'fd01:a::/64',
  overlays: [
    { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24 },
    { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80 },
  ],
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-master-'));
  await start();
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(network: unknown = NETWORK): Promise<void> {
  const config = masterConfiguration.parse({
    listen: { grpc: `unix:${folder}/grpc.sock`, http: `unix:${folder}/http.sock` },
    log: { dir: join(folder, 'log') },
    network,
  });
  if (config.log.kind !== 'embedded') throw new Error('the test configures an embedded log');
  const log = await openEmbeddedOverlayLog({ dir: config.log.dir });
  const readiness = new Readiness();
  try {
    running = await runMaster({
      config,
      log,
      adoptNetworks: false,
      instanceId: 'test',
      random: Math.random,
      newNetworkId: () => `network-${ids++}` as NetworkId,
      failPoints: NO_FAIL_POINTS,
      clock: systemClock,
      logger: createLogger('overlay-master', 'silent'),
      metrics: new Metrics('overlay-master'),
      readiness,
      networksPage: { static: join(folder, 'no-page'), modules: join(folder, 'no-page') },
    });
  } catch (error) {
    await log.close();
    throw error;
  }
  await ready(running, readiness);
  agents = createRpcClient(MasterServiceService, { target: `unix:${folder}/grpc.sock` });
  networks = createRpcClient(NetworkServiceService, { target: `unix:${folder}/grpc.sock` });
}

/** Waits until the master leads; throws what made it fail. */
async function ready(master: RunningProcess, readiness: Readiness): Promise<void> {
  let failure: OverlayError | undefined;
  void master.failed?.then((error) => {
    failure = error;
  });
  while (readiness.reasons().length > 0 && failure === undefined) await systemClock.sleep(2);
  if (failure === undefined) return;
  await stop();
  throw failure;
}

async function stop(): Promise<void> {
  agents?.close();
  networks?.close();
  await running?.close();
  running = undefined;
}

const BOTH = { allocateSubnet: true, mesosBridge: true, dockerBridge: true };

function register(nodeId: string, ip: string) {
  return agents.registerAgent({ nodeId, ip, networkConfig: BOTH, attributes: {} });
}

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

function http(
  method: string,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({ socketPath: `${folder}/http.sock`, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

async function state(): Promise<unknown> {
  return JSON.parse((await http('GET', '/overlay-master/state')).text);
}

describe('the state', () => {
  it('has the fields and values that DC/OS tooling expects of the second agent', async () => {
    await register('a', '10.0.0.1');
    await register('b', '10.0.0.2');
    const backend = {
      vxlan: {
        vni: 1024,
        vtep_name: 'vtep1024',
        vtep_ip: '44.128.0.2/20',
        vtep_ip6: 'fd01:a::2/64',
        vtep_mac: '70:b3:d5:80:00:02',
      },
    };
    const { network, agents: listed } = (await state()) as { network: unknown; agents: unknown[] };
    expect(network).toEqual({
      vtep_subnet: '44.128.0.0/20',
      vtep_subnet6: 'fd01:a::/64',
      vtep_mac_oui: '70:B3:D5:00:00:00',
      overlays: [
        { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true },
        { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80, enabled: true },
      ],
    });
    expect(listed[1]).toEqual({
      ip: '10.0.0.2',
      overlays: [
        {
          info: { name: 'dcos', subnet: '9.0.0.0/8', prefix: 24, enabled: true },
          subnet: '9.0.1.0/24',
          mesos_bridge: { name: 'm-dcos', ip: '9.0.1.0/25' },
          docker_bridge: { name: 'd-dcos', ip: '9.0.1.128/25' },
          backend,
          state: { status: 'STATUS_CONFIGURING' },
        },
        {
          info: { name: 'dcos6', subnet6: 'fd01:b::/64', prefix6: 80, enabled: true },
          subnet6: 'fd01:b:0:0:1::/80',
          mesos_bridge: { name: 'm-dcos6', ip6: 'fd01:b:0:0:1::/81' },
          docker_bridge: { name: 'd-dcos6', ip6: 'fd01:b::1:8000:0:0/81' },
          backend,
          state: { status: 'STATUS_CONFIGURING' },
        },
      ],
    });
  });

  it('is the same after a restart', async () => {
    for (const host of [1, 2, 3]) await register(`node-${host}`, `10.0.0.${host}`);
    const before = await state();
    await stop();
    await start();
    expect(await state()).toEqual(before);
    const again = await register('node-2', '10.0.0.2');
    expect(again.assignment?.vtep?.ip).toBe('44.128.0.2/20');
  });

  it('wraps itself for JSONP and refuses a callback that is code', async () => {
    expect((await http('GET', '/overlay-master/state?jsonp=app.show')).text).toMatch(
      /^app\.show\(\{.*\}\);$/,
    );
    const refused = await http('GET', '/overlay-master/state?jsonp=alert(1)//');
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('jsonp');
  });
});

describe('deletion of agents', () => {
  const remove = (body: string, headers = {}) => http('POST', '/overlay-master/agents/delete', body, headers);

  it('answers with the state afterwards, ignores unknown addresses and can be repeated', async () => {
    await register('a', '10.0.0.1');
    await register('b', '10.0.0.2');
    for (let round = 0; round < 2; round += 1) {
      const answer = await remove('{"agents": ["10.0.0.1", "192.0.2.7"]}');
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.text)).toEqual(await state());
      expect(JSON.parse(answer.text).agents.map(({ ip }: { ip: string }) => ip)).toEqual(['10.0.0.2']);
    }
  });

  it('refuses a connected agent without force', async () => {
    await register('a', '10.0.0.1');
    const stream = agents.watchTopology({ nodeId: 'a', fromRevision: 0n })[Symbol.asyncIterator]();
    await stream.next();
    const refused = await remove('{"agents": ["10.0.0.1"]}');
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('10.0.0.1');
    expect((await remove('{"agents": ["10.0.0.1"], "force": true}')).status).toBe(200);
    await stream.return?.();
    expect(((await state()) as { agents: unknown[] }).agents).toEqual([]);
  });

  it.each([
    ['no JSON', '{', 400],
    ['a list', '[]', 400],
    ['no agents', '{}', 400],
    ['agents that are no list', '{"agents": "10.0.0.1"}', 400],
    ['an address that is none', '{"agents": ["10.0.0"]}', 400],
    ['force that is no boolean', '{"agents": [], "force": "yes"}', 400],
    ['an unknown key', '{"agents": [], "all": true}', 400],
    ['more than a megabyte', `{"agents": ["${'1'.repeat(1_100_000)}"]}`, 413],
  ])('refuses %s and changes nothing', async (_what, body, status) => {
    await register('a', '10.0.0.1');
    const before = await state();
    const answer = await remove(body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error).not.toBe('');
    expect(await state()).toEqual(before);
  });

  it('refuses other methods and pages of other sites', async () => {
    expect((await http('GET', '/overlay-master/agents/delete')).status).toBe(405);
    const foreign = await remove('{"agents": []}', { host: 'master:5050', origin: 'http://evil.example' });
    expect(foreign.status).toBe(403);
    const own = await remove('{"agents": []}', { host: 'master:5050', origin: 'http://master:5050' });
    expect(own.status).toBe(200);
  });
});

describe('registration', () => {
  it('names every wrong field', async () => {
    const call = agents.registerAgent({
      nodeId: '../x',
      ip: '10.0.0',
      networkConfig: BOTH,
      attributes: { '': 'x' },
    });
    await expect(call).rejects.toMatchObject({
      code: 'invalid_argument',
      violations: [{ field: 'node_id' }, { field: 'ip' }, { field: 'attributes.' }],
    });
  });

  it('gives many at once different values', async () => {
    const hosts = Array.from({ length: 200 }, (_, index) => index + 1);
    const answers = await Promise.all(hosts.map((host) => register(`n${host}`, `10.0.1.${host}`)));
    const blocks = answers.flatMap(
      ({ assignment }) => assignment?.networks.flatMap(({ routedPrefixes }) => routedPrefixes) ?? [],
    );
    expect(blocks).toHaveLength(400);
    expect(new Set(blocks).size).toBe(400);
    expect(new Set(answers.map(({ assignment }) => assignment?.vtep?.mac)).size).toBe(200);
  });

  it('shows reports in the state, and asks an unknown reporter to register', async () => {
    const { assignment } = await register('a', '10.0.0.1');
    const networkId = assignment?.networks[0]?.networkId ?? '';
    const networksReported = [
      { networkId, state: { status: NetworkStatus.FAILED, error: 'm-dcos: no <device>' } },
    ];
    const report = { networks: networksReported, containers: [], capacities: [], removedNetworkIds: [] };
    expect((await agents.reportAgent({ nodeId: 'a', ...report })).registerAgain).toBe(false);
    expect((await agents.reportAgent({ nodeId: 'b', ...report })).registerAgain).toBe(true);
    expect(JSON.stringify(await state())).toContain(
      '{"status":"STATUS_FAILED","error":"m-dcos: no <device>"}',
    );
  });
});

async function framesUntilSynced(from: bigint): Promise<readonly TopologyFrame[]> {
  const frames: TopologyFrame[] = [];
  for await (const { frame } of agents.watchTopology({ nodeId: '', fromRevision: from })) {
    if (frame !== undefined) frames.push(frame);
    if (frame?.kind === TopologyFrameKind.SYNCED) break;
  }
  return frames;
}

describe('the topology', () => {
  it('is a snapshot, then deltas, and is resumed by revision', async () => {
    await register('a', '10.0.0.1');
    const first = await framesUntilSynced(0n);
    expect(first.map(({ kind }) => kind)).toEqual([TopologyFrameKind.SNAPSHOT, TopologyFrameKind.SYNCED]);
    await register('b', '10.0.0.2');
    const resumed = await framesUntilSynced(first.at(-1)?.revision ?? 0n);
    expect(resumed.map(({ kind }) => kind)).toEqual([TopologyFrameKind.DELTA, TopologyFrameKind.SYNCED]);
    expect(resumed[0]?.changes.map(({ change }) => change?.$case)).toEqual(['peer']);
  });

  it('tells an open stream of joins and deletions', async () => {
    await register('a', '10.0.0.1');
    const seen: string[] = [];
    const stream = agents.watchTopology({ nodeId: 'a', fromRevision: 0n });
    for await (const { frame } of stream) {
      for (const { change } of frame?.changes ?? []) seen.push(change?.$case ?? '');
      if (frame?.kind === TopologyFrameKind.SYNCED) await register('b', '10.0.0.2');
      if (seen.at(-1) === 'removedNodeId') break;
      if (frame?.kind === TopologyFrameKind.DELTA)
        await networks.deleteAgents({ ips: ['10.0.0.2'], force: false });
    }
    expect(seen).toEqual(['addressSpace', 'network', 'network', 'peer', 'peer', 'removedNodeId']);
  });

  it('is refused to a node that is not registered', async () => {
    const stream = agents.watchTopology({ nodeId: 'stranger', fromRevision: 0n })[Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});

describe('lists', () => {
  it('pages through the agents in the order of their VTEP addresses', async () => {
    for (let host = 1; host <= 5; host += 1) await register(`n${host}`, `10.0.0.${host}`);
    const ips: string[] = [];
    let pageToken = '';
    do {
      const page = await networks.listAgents({ pageSize: 2, pageToken });
      ips.push(...page.agents.map(({ assignment }) => assignment?.ip ?? ''));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(ips).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5']);
    await expect(networks.listAgents({ pageSize: 0, pageToken: '%%%' })).rejects.toMatchObject({
      violations: [{ field: 'page_token' }],
    });
    await expect(networks.listAgents({ pageSize: 5_000, pageToken: '' })).rejects.toMatchObject({
      violations: [{ field: 'page_size' }],
    });
  });

  it('answers for networks by name, and UNIMPLEMENTED for what is not built', async () => {
    expect((await networks.getNetwork({ name: 'dcos6' })).network?.spec?.subnet6).toBe('fd01:b::/64');
    await expect(networks.getNetwork({ name: 'nope' })).rejects.toMatchObject({ code: 'not_found' });
    const watch = networks.watchCapacity({ network: 'dcos' })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({ code: 'unimplemented' });
  });
});

const WEB = {
  name: 'web',
  subnet: '10.8.0.0/16',
  prefix: 26,
  subnet6: '',
  prefix6: 0,
  disabled: false,
  isolated: false,
};

describe('networks at runtime', () => {
  const names = async () =>
    ((await state()) as { network: { overlays: { name: string }[] } }).network.overlays.map(
      ({ name }) => name,
    );

  it('are created, given to agents, deleted by every agent and then gone, also after a restart', async () => {
    await register('a', '10.0.0.1');
    const { network } = await networks.createNetwork({ spec: WEB });
    const id = network?.id ?? '';
    expect((await networks.createNetwork({ spec: WEB })).network?.id).toBe(id);
    const { assignment } = await register('a', '10.0.0.1');
    expect(assignment?.networks.map((one) => one.subnet)).toContain('10.8.0.0/26');
    await stop();
    await start();
    expect(await names()).toEqual(['dcos', 'dcos6', 'web']);
    const deleting = await networks.deleteNetwork({ name: 'web', force: false });
    expect(deleting.network?.phase).toBe(NetworkPhase.DELETING);
    expect(await names()).toContain('web');
    await agents.reportAgent({
      nodeId: 'a',
      networks: [],
      containers: [],
      capacities: [],
      removedNetworkIds: [id],
    });
    expect(await names()).toEqual(['dcos', 'dcos6']);
    await stop();
    await start();
    expect(await names()).toEqual(['dcos', 'dcos6']);
  });

  it('stay deleted although the configuration names them', async () => {
    await networks.deleteNetwork({ name: 'dcos6', force: false });
    await stop();
    await start();
    expect(await names()).toEqual(['dcos']);
  });

  it.each([
    ['a reserved name', { ...WEB, name: 'host' }, 'invalid_argument', 'spec.name'],
    ['a long name', { ...WEB, name: 'fourteen-chars' }, 'invalid_argument', 'spec.name'],
    ['an overlap', { ...WEB, subnet: '9.1.0.0/16' }, 'invalid_argument', 'spec.subnet'],
    ['the wrong family', { ...WEB, subnet: 'fd09::/64' }, 'invalid_argument', 'spec.subnet'],
    ['no address space', { ...WEB, subnet: '', prefix: 0 }, 'invalid_argument', 'spec'],
    ['host bits', { ...WEB, subnet: '10.8.0.1/16' }, 'invalid_argument', 'spec.subnet'],
  ])('are refused with %s, and nothing changes', async (_what, spec, code, field) => {
    const before = await state();
    await expect(networks.createNetwork({ spec })).rejects.toMatchObject({
      code,
      violations: expect.arrayContaining([expect.objectContaining({ field })]),
    });
    expect(await state()).toEqual(before);
  });

  it('are not deleted while containers are attached, unless forced', async () => {
    await register('a', '10.0.0.1');
    const container = {
      containerId: 'c1',
      interface: 'eth0',
      network: 'dcos',
      half: AllocationHalf.CNI,
      ip: '9.0.0.2',
      ip6: '',
      agentIp: '',
      labels: {},
    };
    const report = { networks: [], containers: [container], capacities: [], removedNetworkIds: [] };
    await agents.reportAgent({ nodeId: 'a', ...report });
    await expect(networks.deleteNetwork({ name: 'dcos', force: false })).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    const forced = await networks.deleteNetwork({ name: 'dcos', force: true });
    expect(forced.network?.phase).toBe(NetworkPhase.DELETING);
  });
});

describe('a log that the configuration contradicts', () => {
  it('stops the start, naming the network and the ways out', async () => {
    await register('a', '10.0.0.1');
    await stop();
    await expect(start({ ...NETWORK, overlays: NETWORK.overlays.slice(0, 1) })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringMatching(/"dcos6".*10\.0\.0\.1.*--adopt-networks/s),
    });
    await start();
    expect(((await state()) as { agents: unknown[] }).agents).toHaveLength(1);
  });
});
