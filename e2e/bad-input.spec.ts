import { isIP } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { IpamServiceService } from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';
import {
  type Container,
  HOST_HTTP,
  type Host,
  type MasterState,
  runCommand,
  Testbed,
} from '@overlay/testbed';
import { callAsForeigner } from './foreign-client.js';
import { JUNK, sendBytes } from './junk.js';

jest.setTimeout(60_000);

const NETWORKS = ['dcos', 'dcos6'];
const DEEP = 100_000;

/** A request to an HTTP endpoint and the status that it must get. */
interface BadRequest {
  readonly what: string;
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  readonly status: number;
}

const DELETE = '/overlay-master/agents/delete';

const TO_MASTER: readonly BadRequest[] = [
  { what: 'an unknown path', path: '/nope', status: 404 },
  { what: 'a path that climbs', path: '/../../etc/passwd', status: 404 },
  { what: 'a wrong method', path: '/overlay-master/state', method: 'DELETE', status: 405 },
  { what: 'a wrong method', path: DELETE, method: 'GET', status: 405 },
  { what: 'a wrong method', path: DELETE, method: 'PUT', body: '{}', status: 405 },
  { what: 'a callback that is code', path: '/overlay-master/state?jsonp=alert(1)', status: 400 },
  { what: 'an empty body', path: DELETE, body: '', status: 400 },
  { what: 'no JSON', path: DELETE, body: '{"agents": [', status: 400 },
  { what: 'deep JSON', path: DELETE, body: `{"agents":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`, status: 400 },
  { what: 'half of deep JSON', path: DELETE, body: '['.repeat(DEEP), status: 400 },
  { what: 'a huge body', path: DELETE, body: `{"agents":["${'1'.repeat(2 ** 21)}"]}`, status: 413 },
  { what: 'a list', path: DELETE, body: '[]', status: 400 },
  { what: 'null', path: DELETE, body: 'null', status: 400 },
  { what: 'no list of agents', path: DELETE, body: '{"agents":"all","force":true}', status: 400 },
  { what: 'numbers for agents', path: DELETE, body: '{"agents":[1],"force":true}', status: 400 },
  { what: 'no addresses', path: DELETE, body: '{"agents":["h1"],"force":true}', status: 400 },
  { what: 'a force that is no flag', path: DELETE, body: '{"agents":[],"force":"yes"}', status: 400 },
  { what: 'an unknown key', path: DELETE, body: '{"agents":[],"all":true}', status: 400 },
  {
    what: 'a polluted prototype',
    path: DELETE,
    body: '{"agents":[],"__proto__":{"force":true}}',
    status: 400,
  },
];

const TO_HOST: readonly BadRequest[] = [
  { what: 'an unknown path', path: '/nope', status: 404 },
  { what: 'a wrong method', path: '/metrics', method: 'POST', body: 'x', status: 405 },
  { what: 'a wrong method', path: '/readyz', method: 'DELETE', status: 405 },
  { what: 'a huge body', path: '/healthz', method: 'PUT', body: 'x'.repeat(2 ** 21), status: 405 },
];

const TO_CNI_SOCKET: readonly BadRequest[] = [
  { what: 'an unknown path', path: '/nope', status: 404 },
  { what: 'a wrong method', path: '/cni', method: 'PUT', body: '{}', status: 405 },
  { what: 'no verb', path: '/cni', body: '{}', status: 400 },
  {
    what: 'no JSON',
    path: '/cni?CNI_COMMAND=ADD&CNI_CONTAINERID=c&CNI_IFNAME=eth0&CNI_NETNS=/x',
    body: '[',
    status: 400,
  },
  { what: 'a huge body', path: '/cni?CNI_COMMAND=ADD', body: 'x'.repeat(2 ** 22), status: 413 },
];

describe('bad input', () => {
  let testbed: Testbed;
  let host: Host;
  let before: MasterState;
  let container: Container;
  let pids: readonly (number | undefined)[];
  const processes = () => [testbed.master, ...host.processes];

  async function allocations(): Promise<readonly string[]> {
    const client = createRpcClient(IpamServiceService, { target: `unix:${host.paths.ipamSocket}` });
    try {
      const page = await client.listAllocations({ network: '', pageSize: 0, pageToken: '' });
      return page.allocations.map(({ owner, addresses }) => `${owner?.containerId} ${addresses[0]?.address}`);
    } finally {
      client.close();
    }
  }

  /** Sends a request with curl. @param enter of the namespace that the listener is in. */
  async function statusOf(
    enter: readonly string[],
    base: readonly string[],
    bad: BadRequest,
  ): Promise<number> {
    const url = base.at(-1) ?? '';
    const method = bad.method ?? (bad.body === undefined ? 'GET' : 'POST');
    const body = bad.body === undefined ? [] : ['--data-binary', '@-'];
    const flags = [
      '--silent',
      '--path-as-is',
      '--globoff',
      '--output',
      '/dev/null',
      '--write-out',
      '%{http_code}',
    ];
    const argv = ['curl', ...flags, ...base.slice(0, -1), '--request', method, ...body, `${url}${bad.path}`];
    const { stdout } = await runCommand([...enter, ...argv], { input: bad.body ?? '' });
    return Number(stdout);
  }

  beforeAll(async () => {
    testbed = await Testbed.create({ hosts: 1, label: 'bad-input' });
    host = testbed.host('h1');
    await testbed.start();
    before = await testbed.waitSettled(NETWORKS);
    container = await host.attachCni('dcos');
    pids = processes().map(({ pid }) => pid);
  });

  // After every kind of bad input: the same processes, ready, with the same state.
  afterEach(async () => {
    expect(processes().map(({ pid }) => pid)).toEqual(pids);
    for (const process of processes()) await process.waitReady();
    expect(await testbed.waitSettled(NETWORKS)).toEqual(before);
    expect(await allocations()).toEqual([`${container.namespace} ${container.addresses[0]?.address}`]);
  });

  afterAll(async () => {
    await testbed?.close();
  });

  it.each(Object.keys(JUNK))('%s on every socket is thrown out', async (kind) => {
    const bytes = JUNK[kind] ?? Buffer.alloc(0);
    const { agentSocket, ipamSocket, ipamHttpSocket, dataplaneSocket } = host.paths;
    const [grpcHost = '', grpcPort] = testbed.master.grpcAddress.split(':');
    await Promise.all([
      sendBytes({ host: grpcHost, port: Number(grpcPort) }, bytes),
      sendBytes({ host: '127.0.0.1', port: Number(new URL(testbed.master.httpUrl).port) }, bytes),
      ...[agentSocket, ipamSocket, ipamHttpSocket, dataplaneSocket].map((path) => sendBytes({ path }, bytes)),
      // The host's TCP listeners are on the loopback of its namespace.
      ...Object.values(HOST_HTTP).map((listener) =>
        host.exec(['curl', '--silent', '--max-time', '1', '--upload-file', '-', `telnet://${listener}`], {
          input: bytes.toString('latin1'),
        }),
      ),
    ]);
  });

  it.each(TO_MASTER)('the master answers $status to $what at $path', async (bad) => {
    expect(await statusOf([], [testbed.master.httpUrl], bad)).toBe(bad.status);
  });

  it.each(Object.entries(HOST_HTTP))(
    'the %s says 404 and 405 on its HTTP listener',
    async (_app, listener) => {
      for (const bad of TO_HOST) {
        expect([bad, await statusOf(host.enter, [`http://${listener}`], bad)]).toEqual([bad, bad.status]);
      }
    },
  );

  it('the ipam refuses what is no CNI call on its HTTP socket', async () => {
    const socket = ['--unix-socket', host.paths.ipamHttpSocket];
    const call = { what: 'a form', path: '/cni', body: 'a=b', status: 400 };
    expect(await statusOf([], [...socket, 'http://ipam'], call)).toBe(call.status);
    const base = [...socket, '--header', 'content-type: application/octet-stream', 'http://ipam'];
    for (const bad of TO_CNI_SOCKET) {
      expect([bad.what, await statusOf([], base, bad)]).toEqual([bad.what, bad.status]);
    }
  });

  it.each([
    ['nothing', {}, ['node_id', 'ip']],
    ['no node id and no address', { nodeId: 'no id', ip: 'ten' }, ['node_id', 'ip']],
    ['a path for a node id', { nodeId: '../../etc', ip: '198.18.1.77' }, ['node_id']],
    ['a loopback address', { nodeId: 'n1', ip: '127.0.0.1' }, ['ip']],
    ['an overlay address', { nodeId: 'n1', ip: '9.0.0.9' }, ['ip']],
    ['a tunnel address', { nodeId: 'n1', ip: '44.128.0.9' }, ['ip']],
    ['the other family', { nodeId: 'n1', ip: '2001:db8::7' }, ['ip']],
    [
      'an attribute without a name',
      { nodeId: 'n1', ip: '198.18.1.77', attributes: { '': 'x' } },
      ['attributes'],
    ],
  ])('a foreign client that registers %s is told which fields are wrong', async (_what, request, fields) => {
    const target = `http://${testbed.master.grpcAddress}`;
    const answer = await callAsForeigner(target, 'overlay.v1.MasterService/RegisterAgent', request);
    expect(answer).toMatchObject({ code: 'invalid_argument', details: ['google.rpc.BadRequest'] });
    for (const field of fields) expect(answer.message).toContain(field);
  });

  it('a foreign client cannot take the address of a connected agent', async () => {
    const target = `http://${testbed.master.grpcAddress}`;
    const request = { nodeId: 'stranger', ip: host.address.ipv4 };
    expect(isIP(request.ip)).toBe(4);
    const answer = await callAsForeigner(target, 'overlay.v1.MasterService/RegisterAgent', request);
    expect(answer.code).toBe('already_exists');
    expect(answer.message).toContain(host.address.ipv4);
  });

  it('the sockets of a host name wrong fields to a foreign client', async () => {
    const { ipamSocket, dataplaneSocket, agentSocket } = host.paths;
    const half = 'ALLOCATION_HALF_CNI';
    const pools = [{ networkId: 'n', network: 'fourteen-chars', half, subnet: 'junk' }];
    const ipam = await callAsForeigner(ipamSocket, 'overlay.v1.IpamService/ConfigurePools', { pools });
    expect(ipam).toMatchObject({ code: 'invalid_argument', details: ['google.rpc.BadRequest'] });
    expect(ipam.message).toContain('pools[0].network');
    expect(ipam.message).toContain('pools[0].subnet');
    const dataplane = await callAsForeigner(dataplaneSocket, 'overlay.v1.DataplaneService/ApplyHost', {});
    expect(dataplane).toMatchObject({ code: 'invalid_argument', details: ['google.rpc.BadRequest'] });
    expect(dataplane.message).toContain('assignment');
    const agent = await callAsForeigner(agentSocket, 'overlay.v1.AgentService/ProbeContainer', {});
    expect(agent).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('container') });
    const own = await callAsForeigner(agentSocket, 'overlay.v1.AgentService/GetOverlays', {});
    expect(own).toMatchObject({ code: 'ok', body: { assignment: { ip: host.address.ipv4 } } });
  });

  describe('of the CNI plugin', () => {
    const env = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c', CNI_IFNAME: 'eth0', CNI_NETNS: '/run/netns/c' };
    const without = (name: keyof typeof env): Record<string, string> =>
      Object.fromEntries(Object.entries(env).filter(([key]) => key !== name));
    const config = (patch: Readonly<Record<string, unknown>> = {}): string => {
      const { ipamHttpSocket: socket, cniDeletionsDir: deletions_dir } = host.paths;
      const ipam = { type: 'overlay-ipam', socket, deletions_dir };
      return JSON.stringify({ cniVersion: '1.0.0', name: 'dcos', type: 'bridge', ipam, ...patch });
    };

    it.each([
      ['no verb', without('CNI_COMMAND'), undefined, 4],
      ['no container', without('CNI_CONTAINERID'), undefined, 4],
      ['no interface', without('CNI_IFNAME'), undefined, 4],
      ['no namespace', without('CNI_NETNS'), undefined, 4],
      ['an unknown verb', { ...env, CNI_COMMAND: 'DANCE' }, undefined, 4],
      ['a container id that is a path', { ...env, CNI_CONTAINERID: '../c' }, undefined, 4],
      ['an interface with a slash', { ...env, CNI_IFNAME: 'a/b' }, undefined, 4],
      ['arguments that are no pairs', { ...env, CNI_ARGS: 'rubbish' }, undefined, 4],
      ['a version of the future', env, { cniVersion: '9.9.9' }, 1],
      ['a network that is not here', env, { name: 'nowhere' }, 7],
      ['no network', env, { name: undefined }, 7],
      ['a relative socket', env, { ipam: { type: 'overlay-ipam', socket: 'ipam.sock' } }, 7],
      ['a socket that nobody serves', env, { ipam: { type: 'overlay-ipam', socket: '/nowhere.sock' } }, 11],
    ])('%s gets its code', async (_what, variables, patch, code) => {
      const result = await host.cni.call({ type: 'overlay-ipam', input: config(patch), env: variables });
      expect(result.exitCode).not.toBe(0);
      expect(JSON.parse(result.stdout)).toMatchObject({ code, msg: expect.stringMatching(/\w/) });
    });

    // Without an object there is no socket to ask at but the default one, which may not be served: 6 or 11.
    it.each([
      ['nothing', '', [6, 11]],
      ['white space', '   ', [6, 11]],
      ['half an object', '{', [6, 11]],
      ['null', 'null', [6, 11]],
      ['a text', '"text"', [6, 11]],
      ['deep JSON', '['.repeat(DEEP), [6, 11]],
      ['an object that breaks off', 'SOCKET, broken', [6]],
    ])('%s for a configuration gets its code', async (_what, template, codes) => {
      const input = template.replace('SOCKET', `{"ipam":{"socket":"${host.paths.ipamHttpSocket}"}`);
      const result = await host.cni.call({ type: 'overlay-ipam', input, env });
      expect(result.exitCode).not.toBe(0);
      expect(codes).toContain(JSON.parse(result.stdout).code);
    });
  });
});
