import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  AgentServiceService,
  NetworkStatus,
  Peer,
  type RegisterAgentRequest,
  type RegisterAgentResponse,
  type TopologyChange,
  TopologyFrameKind,
} from '@overlay/contracts';
import { OverlayError } from '@overlay/failure';
import { createRpcClient } from '@overlay/rpc';
import { exampleNetwork, exampleRegistration } from '../src/configuration/example-registration.js';
import { AgentProcess, eventually, hostPaths } from './agent-process.js';
import { startDataplane, startIpam } from './fake-daemons.js';
import { FakeMaster } from './fake-master.js';

jest.setTimeout(60_000);

const { SNAPSHOT, DELTA, SYNCED } = TopologyFrameKind;
let folder: string;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ov-agent-'));
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  rmSync(folder, { recursive: true, force: true });
});

function assign(...names: string[]) {
  return ({ nodeId }: RegisterAgentRequest): RegisterAgentResponse => {
    const registration = exampleRegistration(names.map((name, index) => exampleNetwork(name, index)));
    const { assignment } = registration;
    return { ...registration, assignment: assignment && { ...assignment, nodeId } };
  };
}

async function master(answer = assign('dcos'), port = 0): Promise<FakeMaster> {
  const started = await FakeMaster.start(answer, port);
  cleanUps.push(() => started.close());
  return started;
}

async function daemons() {
  const paths = hostPaths(folder);
  const dataplane = await startDataplane(paths.dataplane);
  cleanUps.push(() => dataplane.close());
  const ipam = await startIpam(paths.ipam);
  cleanUps.push(() => ipam.close());
  return { dataplane, ipam };
}

function agent(...masters: readonly { readonly port: number }[]): AgentProcess {
  const started = new AgentProcess(
    folder,
    masters.map(({ port }) => port),
  );
  cleanUps.push(() => started.kill('SIGKILL'));
  return started;
}

const peer = (nodeId: string): TopologyChange => ({
  change: { $case: 'peer', value: Peer.create({ nodeId, ip: '10.0.0.2' }) },
});
const stateOf = (view: unknown) => JSON.stringify(view ?? null).match(/STATUS_[A-Z]+/g);

async function isOk(process: AgentProcess): Promise<boolean> {
  const states = stateOf(await process.view());
  return states?.every((state) => state === 'STATUS_OK') ?? false;
}

const watchOf = (from: FakeMaster, index = 0) => eventually(`watch ${index}`, () => from.watches[index]);

describe('overlay-agent', () => {
  it('registers, configures the host, reports, and shows itself', async () => {
    const { dataplane, ipam } = await daemons();
    const leader = await master();
    const process = agent(leader);
    const watch = await watchOf(leader);
    expect(watch.fromRevision).toBe(0n);
    watch.send({ kind: SNAPSHOT, revision: 7n, changes: [peer('n2')] });
    watch.send({ kind: SYNCED, revision: 7n, changes: [] });
    await eventually('STATUS_OK', () => isOk(process));
    await eventually('an OK report', () =>
      leader.reports.find(({ networks }) => networks[0]?.state?.status === NetworkStatus.OK),
    );
    const report = await eventually('a report of containers', () =>
      leader.reports.find(({ containers }) => containers.length > 0),
    );
    expect(report.containers[0]).toMatchObject({ containerId: 'c1', ip: '9.0.0.5', network: 'dcos' });
    expect(leader.registrations[0]).toMatchObject({ ip: '10.0.0.1' });
    expect(dataplane.hosts[0]?.assignment?.vtep?.ip).toBe('44.128.0.1/20');
    expect(ipam.pools[0]?.[0]).toMatchObject({ network: 'dcos', subnet: '9.0.0.0/25' });
    const paths = hostPaths(folder);
    expect(readdirSync(paths.cni)).toStrictEqual(['dcos.conf']);
    expect(readdirSync(paths.conflists)).toStrictEqual(['99-overlay-dcos.conflist']);
    expect(await process.view()).toMatchObject({
      ip: '10.0.0.1',
      configuration_attempts: expect.any(Number),
      overlays: [{ info: { name: 'dcos' }, mesos_bridge: { name: 'm-dcos', ip: '9.0.0.0/25' } }],
    });
    await eventually('readiness', async () => (await process.get('/readyz')).status === 200);
    expect((await process.get('/metrics')).body).toContain('overlay_registered{process="overlay-agent"} 1');
    const client = createRpcClient(AgentServiceService, { target: `unix:${paths.grpc}` });
    cleanUps.push(async () => client.close());
    expect(await client.getOverlays({})).toMatchObject({ connected: true, assignment: { ip: '10.0.0.1' } });
    const probe = { container: 'c1', probe: undefined, timeoutMs: 1 };
    await expect(client.probeContainer(probe)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(await process.kill('SIGTERM')).toBe(0);
  });

  it('tries every master and follows the leader that one names', async () => {
    await daemons();
    const dead = await FakeMaster.start(assign('dcos'));
    await dead.close();
    const leader = await master();
    const follower = await master(() => {
      throw new OverlayError('unavailable', 'not the leader', { leader: `127.0.0.1:${leader.port}` });
    });
    const process = agent(dead, follower);
    await watchOf(leader);
    await eventually('STATUS_OK', () => isOk(process));
    expect(follower.registrations.length).toBeGreaterThan(0);
  });

  it('says why it is refused, and is accepted once the reason is gone', async () => {
    await daemons();
    const leader = await master(() => {
      throw new OverlayError('already_exists', 'node n9 has this address');
    });
    const process = agent(leader);
    const view = await eventually('the refusal', async () => {
      const found = await process.view();
      return found?.registration_error === undefined ? undefined : found;
    });
    expect(view.registration_error).toContain('node n9 has this address');
    expect((await process.get('/readyz')).body).toContain('registration');
    leader.answer = assign('dcos');
    await eventually('STATUS_OK', () => isOk(process));
    expect(await process.view()).not.toHaveProperty('registration_error');
    expect(process.output.match(/registration_refused/g)).toHaveLength(1);
  });

  it('restores assignment and peers from disk with every master down', async () => {
    const first = await daemons();
    const leader = await master();
    const before = agent(leader);
    const watch = await watchOf(leader);
    watch.send({ kind: SNAPSHOT, revision: 7n, changes: [peer('n2')] });
    watch.send({ kind: SYNCED, revision: 7n, changes: [] });
    await eventually('the peer', () => first.dataplane.streams.at(-1)?.some(({ kind }) => kind === SYNCED));
    await before.kill('SIGKILL');
    await leader.close();
    rmSync(hostPaths(folder).cni, { recursive: true });
    const { hosts, streams } = first.dataplane;
    hosts.length = 0;
    streams.length = 0;
    const after = agent(leader);
    await eventually('STATUS_OK', () => isOk(after));
    const frames = await eventually('the stored peers', () =>
      streams[0]?.length === 2 ? streams[0] : undefined,
    );
    expect(frames).toMatchObject([
      { kind: SNAPSHOT, changes: [peer('n2')] },
      { kind: SYNCED, revision: 7n },
    ]);
    expect(hosts.length).toBeGreaterThan(0);
    expect(readdirSync(hostPaths(folder).cni)).toStrictEqual(['dcos.conf']);
    expect((await after.get('/readyz')).status).toBe(200);
  });

  it('passes no snapshot on before its synced mark, and resumes by revision', async () => {
    const { dataplane } = await daemons();
    const leader = await master();
    const process = agent(leader);
    const first = await watchOf(leader);
    first.send({ kind: SNAPSHOT, revision: 7n, changes: [peer('n2')] });
    await eventually('STATUS_OK', () => isOk(process));
    first.end();
    const second = await watchOf(leader, 1);
    expect(second.fromRevision).toBe(0n);
    expect(dataplane.streams).toStrictEqual([]);
    second.send({ kind: SNAPSHOT, revision: 8n, changes: [peer('n3')] });
    second.send({ kind: SYNCED, revision: 8n, changes: [] });
    second.send({ kind: DELTA, revision: 9n, changes: [peer('n4')] });
    const gone: TopologyChange = { change: { $case: 'removedNodeId', value: 'n3' } };
    second.send({ kind: DELTA, revision: 10n, changes: [gone] });
    await eventually('the deltas', () => dataplane.streams[0]?.some(({ revision }) => revision === 10n));
    const passed = dataplane.streams[0]?.flatMap(({ changes }) => changes.map(({ change }) => change?.value));
    expect(JSON.stringify(passed)).not.toContain('n2');
    expect(JSON.stringify(passed)).toContain('n4');
    second.end();
    expect((await watchOf(leader, 2)).fromRevision).toBe(10n);
    expect(dataplane.streams).toHaveLength(1);
  });

  it('configures a dataplane that started anew and sends it the whole snapshot', async () => {
    const { dataplane } = await daemons();
    const leader = await master();
    agent(leader);
    const watch = await watchOf(leader);
    watch.send({ kind: SNAPSHOT, revision: 7n, changes: [peer('n2')] });
    watch.send({ kind: SYNCED, revision: 7n, changes: [] });
    await eventually('the peers', () => dataplane.streams[0]?.some(({ kind }) => kind === SYNCED));
    await dataplane.close();
    const again = await startDataplane(hostPaths(folder).dataplane);
    cleanUps.push(() => again.close());
    await eventually('the peers again', () => again.streams.at(-1)?.some(({ kind }) => kind === SYNCED));
    expect(again.hosts.length).toBeGreaterThan(0);
    expect(again.streams.at(-1)?.[0]?.changes).toStrictEqual([peer('n2')]);
  });

  it('waits for daemons that are away and names their sockets', async () => {
    const leader = await master();
    const process = agent(leader);
    const waiting = await eventually('the wait', async () => {
      const text = JSON.stringify(await process.view());
      return text?.includes('STATUS_CONFIGURING') && text.includes('waiting for') ? text : undefined;
    });
    expect(waiting).toContain(hostPaths(folder).dataplane);
    await daemons();
    await eventually('STATUS_OK', () => isOk(process));
  });

  it('takes over what a new registration brings, and removes what it no longer names', async () => {
    const { ipam } = await daemons();
    const leader = await master(assign('dcos', 'old'));
    const process = agent(leader);
    await eventually('STATUS_OK', () => isOk(process));
    leader.answer = assign('dcos');
    leader.registerAgain = true;
    const paths = hostPaths(folder);
    await eventually('one list less', () => readdirSync(paths.conflists).length === 1);
    expect(readdirSync(paths.conflists)).toStrictEqual(['99-overlay-dcos.conflist']);
    expect(readdirSync(paths.cni)).toStrictEqual(['dcos.conf']);
    expect(ipam.pools.at(-1)).toHaveLength(1);
  });

  it('leaves no half-written file however it is killed', async () => {
    await daemons();
    const leader = await master();
    let round = 0;
    leader.answer = (request) => assign('dcos', round % 2 === 0 ? 'even' : 'odd')(request);
    const paths = hostPaths(folder);
    const ids = new Set<string>();
    for (; round < 6; round += 1) {
      const process = agent(leader);
      const watches = leader.watches.length;
      await eventually('a registration', () => leader.watches.length > watches);
      leader.watches.at(-1)?.send({ kind: SNAPSHOT, revision: BigInt(round + 1), changes: [peer('n2')] });
      leader.watches.at(-1)?.send({ kind: SYNCED, revision: BigInt(round + 1), changes: [] });
      await new Promise((resolve) => {
        setTimeout(resolve, Math.random() * 60);
      });
      await process.kill('SIGKILL');
      const folders = [paths.cni, paths.conflists].filter((path) => existsSync(path));
      const written = folders.flatMap((path) =>
        readdirSync(path)
          .filter((name) => !name.endsWith('.tmp'))
          .map((name) => join(path, name)),
      );
      for (const path of [...written, join(paths.state, 'assignment.json')]) {
        expect(JSON.parse(readFileSync(path, 'utf8'))).toBeInstanceOf(Object);
      }
      ids.add(readFileSync(join(paths.state, 'node-id'), 'utf8'));
    }
    expect(ids.size).toBe(1);
    writeFileSync(join(paths.cni, '.dcos.conf.0123456789ab.tmp'), '{');
    const last = agent(leader);
    await eventually('STATUS_OK', () => isOk(last));
    const names = () => [...readdirSync(paths.cni), ...readdirSync(paths.conflists)];
    await eventually('two networks, no leftovers', () => names().length === 4);
    expect(names().some((name) => name.endsWith('.tmp'))).toBe(false);
  });

  it('refuses to start with a damaged node id, and leaves it', async () => {
    const leader = await master();
    const first = agent(leader);
    await eventually('the view', () => first.view());
    await first.kill('SIGTERM');
    const path = join(hostPaths(folder).state, 'node-id');
    writeFileSync(path, 'not an id\n');
    const second = agent(leader);
    expect(await second.exit()).toBe(1);
    expect(second.output).toContain(path);
    expect(readFileSync(path, 'utf8')).toBe('not an id\n');
  });

  it('needs an address where its master is on this host', async () => {
    const process = new AgentProcess(folder, [5060], { ip: null });
    cleanUps.push(() => process.kill('SIGKILL'));
    expect(await process.exit()).toBe(1);
    expect(process.output).toContain('ip: must be set');
  });

  it('goes on after junk on its HTTP endpoint', async () => {
    const leader = await master();
    const process = agent(leader);
    await eventually('the view', () => process.view());
    const { http } = hostPaths(folder);
    const junk = [
      '\u0000\u0001\u0002',
      'GET',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
    ];
    for (const text of junk) {
      await new Promise<void>((resolve) => {
        const socket = connect(http, () => socket.end(text));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    expect((await process.get('/overlay-agent/overlays')).status).toBe(200);
    expect((await process.get('/nothing')).status).toBe(404);
    expect((await process.get('/healthz')).status).toBe(200);
  });
});
