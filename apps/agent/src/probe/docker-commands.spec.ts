import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AllocationHalf } from '@overlay/contracts';
import { dockerCommands } from './docker-commands.js';

let folder: string;
let socketPath: string;
let server: Server;
let command: ChildProcess;
let sockets: Socket[];
/** Whether the engine answers that the command was started, and whether it was. */
let engine: {
  readonly tells: boolean;
  startsAfterInspections: number;
  /** How the command ended, and after how many looks the engine tells it. */
  readonly end?: { readonly exitCode: number; afterInspections: number };
};
let abort: AbortController;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'overlay-exec-'));
  socketPath = join(folder, 'docker.sock');
  command = spawn('sleep', ['1000']);
  sockets = [];
  engine = { tells: true, startsAfterInspections: 0 };
  abort = new AbortController();
  server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.startsWith('/containers/')) {
      response.writeHead(201).end(JSON.stringify({ Id: 'e1' }));
      return;
    }
    const running = engine.startsAfterInspections <= 0;
    engine.startsAfterInspections -= 1;
    if (engine.end !== undefined && engine.end.afterInspections-- <= 0) {
      response.end(JSON.stringify({ Pid: command.pid, Running: false, ExitCode: engine.end.exitCode }));
      return;
    }
    const inspection = running ? { Pid: command.pid, Running: true } : { Pid: 0, Running: false };
    response.end(JSON.stringify({ ...inspection, ExitCode: null }));
  });
  server.on('upgrade', (_request, socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (engine.tells) {
      const head = ['HTTP/1.1 101 UPGRADED', 'Connection: Upgrade', 'Upgrade: tcp'];
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
    }
    setTimeout(() => abort.abort(), 50);
  });
  server.listen(socketPath);
  await once(server, 'listening');
});
afterEach(() => {
  jest.restoreAllMocks();
  command.kill('SIGKILL');
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(): Promise<unknown> {
  // Something that stands in the command's control group, as a container's id does.
  const [containerId = ''] = readFileSync(`/proc/${command.pid}/cgroup`, 'utf8').split('/');
  const request = { containerId, half: AllocationHalf.DOCKER, argv: ['sleep', '1000'] };
  return dockerCommands(socketPath).run(request, abort.signal);
}

describe('dockerCommands', () => {
  it('ends a command that takes too long', async () => {
    const exit = once(command, 'exit');
    await expect(run()).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect((await exit)[1]).toBe('SIGKILL');
  });

  it.each(['EPERM', 'ESRCH'])('tells that the time is over also where ending meets %s', async (code) => {
    jest.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error(`kill ${code}`), { code });
    });
    await expect(run()).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringContaining('did not end in time'),
    });
  });

  it.each([0, 3])('ends a command whose start was not heard of, after %d looks', async (looks) => {
    engine = { tells: false, startsAfterInspections: looks };
    const exit = once(command, 'exit');
    await expect(run()).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect((await exit)[1]).toBe('SIGKILL');
  });

  it('tells how a command ended whose output something that it started holds open', async () => {
    engine = { tells: true, startsAfterInspections: 0, end: { exitCode: 3, afterInspections: 3 } };
    const running = run();
    command.kill('SIGKILL');
    await once(command, 'exit');
    await expect(running).resolves.toMatchObject({ exitCode: 3 });
  });

  it('gives up soon on a command that was never started', async () => {
    engine = { tells: false, startsAfterInspections: 1000 };
    await expect(run()).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(command.exitCode).toBeNull();
  });
});
