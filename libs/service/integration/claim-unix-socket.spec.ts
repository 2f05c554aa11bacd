import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, lstat, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimUnixSocket } from '@overlay/service';

/** Listens with the shortest queue and says so. */
const LISTENER = `
require('node:net').createServer().listen({ path: process.argv[1], backlog: 1 }, () => console.log('listening'));
`;

describe('claimUnixSocket', () => {
  let folder = '';
  let path = '';
  let child: ChildProcess | undefined;
  let server: Server | undefined;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'overlay-claim-'));
    path = join(folder, 'grpc.sock');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    child?.kill('SIGKILL');
    child = undefined;
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    server = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  const claim = (at = path) => claimUnixSocket('listen.grpc', { kind: 'unix', path: at });

  async function listen(): Promise<void> {
    server = createServer();
    server.listen(path);
    await once(server, 'listening');
  }

  async function startListener(): Promise<ChildProcess> {
    const started = spawn(process.execPath, ['-e', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = started;
    await once(started.stdout, 'data');
    return started;
  }

  it('creates the folder of a new socket', async () => {
    path = join(folder, 'run', 'overlay', 'grpc.sock');
    await claim();
    await claim();
    await listen();
    expect((await lstat(path)).isSocket()).toBe(true);
  });

  it('leaves TCP addresses alone', async () => {
    await expect(
      claimUnixSocket('listen.grpc', { kind: 'tcp', host: '127.0.0.1', port: 1 }),
    ).resolves.toBeUndefined();
  });

  it('removes the socket of a process that was killed', async () => {
    const listener = await startListener();
    listener.kill('SIGKILL');
    await once(listener, 'exit');
    expect((await lstat(path)).isSocket()).toBe(true);
    await claim();
    await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await listen();
    expect(server?.listening).toBe(true);
  });

  it('refuses the socket of a live process, and leaves it alone', async () => {
    await listen();
    await expect(claim()).rejects.toMatchObject({
      code: 'failed_precondition',
      message: `listen.grpc: another process listens on ${path}: stop it or choose another path`,
    });
    expect((await lstat(path)).isSocket()).toBe(true);
  });

  it('takes a listener for live whose queue of connections is full', async () => {
    const listener = await startListener();
    listener.kill('SIGSTOP');
    const codes: string[] = [];
    while (codes.length === 0) {
      const socket = new Socket();
      sockets.push(socket);
      socket.on('error', (error) => codes.push('code' in error ? String(error.code) : ''));
      socket.connect(path);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(codes).toEqual(['EAGAIN']);
    await expect(claim()).rejects.toMatchObject({ code: 'failed_precondition' });
    expect((await lstat(path)).isSocket()).toBe(true);
  });

  it('refuses what is no socket, and leaves it alone', async () => {
    await writeFile(path, 'precious');
    await expect(claim()).rejects.toMatchObject({
      code: 'failed_precondition',
      message: `listen.grpc: ${path} exists and is not a socket: remove it`,
    });
    expect((await lstat(path)).size).toBe(8);
  });

  it('names the key when the folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(claim(join(folder, 'file', 'grpc.sock'))).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining(`listen.grpc: cannot use ${join(folder, 'file', 'grpc.sock')}: `),
    });
  });
});
