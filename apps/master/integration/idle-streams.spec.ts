import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MasterServiceService, NetworkServiceService } from '@overlay/contracts';
import { createRpcClient } from '@overlay/rpc';
import { LoneMaster } from '@overlay/testbed';

const CONNECTIONS = 100;
const STREAMS_EACH = 100;
const SILENT_CONNECTIONS = 500;
/** What a master may need for each stream that somebody opens and leaves. */
const BYTES_PER_STREAM = 40 * 1024;

/** An empty message as gRPC frames it: not compressed, of length 0. */
const EMPTY_MESSAGE = Buffer.alloc(5);
const WATCHES = ['/overlay.v1.NetworkService/WatchCapacity', '/grpc.health.v1.Health/Watch'];
/** Calls whose request never comes. */
const UNFINISHED = ['/overlay.v1.MasterService/RegisterAgent', '/overlay.v1.MasterService/ReportAgent'];

let master: LoneMaster;
const sessions: ClientHttp2Session[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  master = await LoneMaster.start({});
}, 60_000);

afterAll(async () => {
  for (const session of sessions) session.destroy();
  for (const socket of sockets) socket.destroy();
  await master?.close();
});

async function residentBytes(): Promise<number> {
  const text = await (await fetch(`${master.httpUrl}/metrics`)).text();
  return Number(/^process_resident_memory_bytes(?:\{.*\})? (\S+)$/m.exec(text)?.[1]);
}

async function openSession(): Promise<ClientHttp2Session> {
  const session = connect(`http://${master.grpcAddress}`);
  sessions.push(session);
  await once(session, 'remoteSettings');
  return session;
}

function open(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  return session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
}

/** Opens the streams of one connection: half of them watch and have been answered, half never say what they ask for. */
async function fill(session: ClientHttp2Session): Promise<void> {
  const half = Array.from({ length: STREAMS_EACH / 2 }, (_, index) => index % 2);
  for (const index of half) open(session, UNFINISHED[index] ?? '');
  const watching = half.map((index) => {
    const stream = open(session, WATCHES[index] ?? '');
    stream.end(EMPTY_MESSAGE);
    return once(stream, 'data');
  });
  await Promise.all(watching);
}

describe('a master with 10,000 idle streams', () => {
  it('goes on answering, within a bounded memory', async () => {
    const before = await residentBytes();
    for (let count = 0; count < CONNECTIONS; count += 1) await fill(await openSession());
    const [host = '', port] = master.grpcAddress.split(':');
    for (let count = 0; count < SILENT_CONNECTIONS; count += 1)
      sockets.push(connectTcp(Number(port), host).on('error', () => undefined));
    const agents = createRpcClient(MasterServiceService, { target: master.grpcAddress });
    const operators = createRpcClient(NetworkServiceService, { target: master.grpcAddress });
    const networkConfig = { allocateSubnet: true, mesosBridge: true, dockerBridge: true };
    const registered = await agents.registerAgent({
      nodeId: 'n',
      ip: '10.0.0.1',
      networkConfig,
      attributes: {},
    });
    expect(registered.assignment?.ip).toBe('10.0.0.1');
    const listed = await operators.listAgents({ pageSize: 10, pageToken: '' });
    expect(listed.agents).toHaveLength(1);
    expect((await fetch(`${master.httpUrl}/readyz`)).status).toBe(200);
    expect(sessions.filter((session) => session.destroyed)).toEqual([]);
    const grown = (await residentBytes()) - before;
    expect(grown).toBeLessThan(CONNECTIONS * STREAMS_EACH * BYTES_PER_STREAM);
    agents.close();
    operators.close();
  });
});
