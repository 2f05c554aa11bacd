import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManagedProcess, unixSocketListens } from '@overlay/testbed';
import { IpamDaemon, NETWORK, REPOSITORY } from './ipam-daemon.js';

const PREFIX = '9.0.1.0/27';
const PoolID = `${NETWORK}/${PREFIX}`;

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

describe('overlay-docker-ipam', () => {
  let ipam: IpamDaemon;
  let front: ManagedProcess;
  let socket: string;
  let releases: string;

  beforeEach(async () => {
    ipam = new IpamDaemon();
    socket = join(ipam.folder, 'plugins', 'overlay.sock');
    releases = join(ipam.folder, 'releases');
    const file = join(ipam.folder, 'docker-ipam.json');
    const sockets = { docker_plugin: socket, ipam_http: ipam.httpSocket };
    writeFileSync(file, JSON.stringify({ sockets, releases_dir: releases }));
    front = new ManagedProcess({
      name: 'overlay-docker-ipam',
      argv: [join(REPOSITORY, 'bin/overlay-docker-ipam'), '--config', file],
      env: { PATH: process.env.PATH ?? '' },
      logFile: join(ipam.folder, 'front.log'),
      listening: unixSocketListens(socket),
    });
    await Promise.all([ipam.process.start(), front.start()]);
    await ipam.configure(PREFIX);
  });

  afterEach(async () => {
    await front.kill();
    await ipam.remove();
  });

  function send(verb: string, path: string, body = ''): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: socket, path, method: verb, agent: false }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.once('end', () => {
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') });
        });
      });
      call.once('error', reject);
      call.end(body);
    });
  }

  /** What Docker's plugin client sends (moby, pkg/plugins). */
  async function ask(method: string, body: string): Promise<Answer> {
    const { status, text } = await send('POST', `/${method}`, body);
    return { status, body: JSON.parse(text) };
  }

  async function take(number: number): Promise<Readonly<Record<string, unknown>>> {
    const mac = `02:42:00:00:00:${number.toString(16).padStart(2, '0')}`;
    const Options = { 'com.docker.network.endpoint.macaddress': mac };
    return (await ask('IpamDriver.RequestAddress', JSON.stringify({ PoolID, Address: '', Options }))).body;
  }

  async function giveBack(Address: string): Promise<Readonly<Record<string, unknown>>> {
    return (await ask('IpamDriver.ReleaseAddress', JSON.stringify({ PoolID, Address }))).body;
  }

  const owed = () =>
    existsSync(releases) ? readdirSync(releases).filter((name) => name.endsWith('.json')) : [];

  it('hands on what is about addresses, many at once', async () => {
    const pool = await ask('IpamDriver.RequestPool', JSON.stringify({ Pool: PREFIX }));
    expect(pool).toEqual({ status: 200, body: { PoolID, Pool: PREFIX, Data: {} } });
    const answers = await Promise.all(Array.from({ length: 29 }, (_, number) => take(number)));
    expect(new Set(answers.map(({ Address }) => Address)).size).toBe(29);
    expect(await take(99)).toEqual({ Error: expect.stringContaining('29'), Code: 'resource_exhausted' });
    const back = await Promise.all(answers.map(({ Address }) => giveBack(String(Address))));
    expect(back).toEqual(answers.map(() => ({})));
    expect((await ipam.held()).size).toBe(0);
  });

  it('answers whatever comes as the protocol does, and goes on', async () => {
    const huge = await ask('IpamDriver.RequestAddress', `{"PoolID":"${'x'.repeat(2 ** 21)}"}`);
    expect(huge).toEqual({ status: 200, body: { Error: expect.stringContaining('too large') } });
    for (const body of ['', '7', '{', 'null', '[]', '\u0000']) {
      const { status, body: answer } = await ask('IpamDriver.RequestAddress', body);
      expect({ status, answer }).toEqual({ status: 200, answer: { Error: expect.any(String) } });
    }
    expect(await take(1)).toMatchObject({ Address: '9.0.1.2/27' });
  });

  it('says whether overlay-ipam answers, beside metrics', async () => {
    const untilStatus = async (status: number) => {
      for (;;) {
        const answer = await send('GET', '/readyz');
        if (answer.status === status) return answer.text;
        await setTimeout(50);
      }
    };
    expect((await send('GET', '/healthz')).status).toBe(200);
    expect((await send('GET', '/metrics')).text).toContain('process_cpu_seconds_total');
    await untilStatus(200);
    await ipam.process.kill();
    expect(await untilStatus(503)).toContain('ipam: overlay-ipam is down');
    await ipam.process.start();
    await untilStatus(200);
  });

  it('does without an overlay-ipam that is stopped, and does nothing late', async () => {
    await take(1);
    ipam.process.pause();
    try {
      const refused = await Promise.all([take(2), take(3), take(4)]);
      for (const answer of refused)
        expect(answer).toEqual({ Error: expect.stringContaining('does not answer') });
      expect(await giveBack('9.0.1.2')).toEqual({});
      await front.restart();
      expect(owed().length).toBeGreaterThan(0);
    } finally {
      ipam.process.resume();
    }
    expect(await take(5)).toMatchObject({ Address: '9.0.1.3/27' });
    expect([...(await ipam.held()).values()]).toEqual(['9.0.1.3/27']);
    expect(owed()).toEqual([]);
  });

  it('does without one that was killed', async () => {
    await take(1);
    await ipam.process.kill();
    expect(await take(2)).toEqual({ Error: expect.stringContaining('overlay-ipam is down') });
    expect(await giveBack('9.0.1.2')).toEqual({});
    await ipam.process.start();
    expect(await take(3)).toMatchObject({ Address: '9.0.1.3/27' });
    expect((await ipam.held()).size).toBe(1);
  });

  it('makes its socket again, also when its folder is gone', async () => {
    rmSync(socket);
    await front.waitListening();
    expect(await take(1)).toMatchObject({ Address: '9.0.1.2/27' });
    rmSync(join(ipam.folder, 'plugins'), { recursive: true });
    await front.waitListening();
    expect(await take(1)).toMatchObject({ Address: '9.0.1.2/27' });
  });

  it('names what it cannot use', async () => {
    rmSync(releases, { recursive: true, force: true });
    await front.kill();
    writeFileSync(releases, '');
    await front.start();
    expect(await take(1)).toEqual({ Error: expect.stringContaining('releases_dir') });
    rmSync(releases);
    mkdirSync(releases);
    expect(await take(1)).toMatchObject({ Address: '9.0.1.2/27' });
  });
});
