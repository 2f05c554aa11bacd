import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';

const PROGRAM = join(process.cwd(), 'bin/overlay-agent');

/** What an HTTP request was answered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Where everything of one host of a test is. */
export function hostPaths(folder: string) {
  const at = (name: string) => join(folder, name);
  return {
    state: at('state'),
    cni: at('cni'),
    conflists: at('net.d'),
    ipam: at('ipam.sock'),
    ipamHttp: at('ipam-http.sock'),
    dataplane: at('dataplane.sock'),
    docker: at('docker.sock'),
    http: at('agent-http.sock'),
    grpc: at('agent.sock'),
  };
}

/** overlay-agent as a process of its own, with everything that it owns in one folder. */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #httpSocket: string;
  output = '';

  /** Starts the process; it must have been built. */
  constructor(folder: string, masterPorts: readonly number[], more: Readonly<Record<string, unknown>> = {}) {
    const paths = hostPaths(folder);
    mkdirSync(folder, { recursive: true });
    this.#httpSocket = paths.http;
    const config = join(folder, 'agent.json');
    const content = {
      master: masterPorts.map((port) => `127.0.0.1:${port}`),
      ip: '10.0.0.1',
      state_dir: paths.state,
      cni_dir: paths.cni,
      cni_conflist_dir: paths.conflists,
      heartbeat_ms: 300,
      sockets: {
        ipam: paths.ipam,
        ipam_http: paths.ipamHttp,
        dataplane: paths.dataplane,
        docker: paths.docker,
      },
      listen: { http: `unix:${paths.http}`, grpc: `unix:${paths.grpc}` },
      ...more,
    };
    writeFileSync(config, JSON.stringify(content));
    this.#child = spawn(PROGRAM, ['--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
  }

  /** Exit code; waits for the end. */
  async exit(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.exit();
  }

  async get(path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: this.#httpSocket, path }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      call.on('error', reject);
      call.end();
    });
  }

  /** The agent's view of itself; undefined while it does not listen. */
  async view(): Promise<Record<string, unknown> | undefined> {
    try {
      return JSON.parse((await this.get('/overlay-agent/overlay')).body) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  }
}

/**
 * Resolves once the probe gives a truthy value, with that value.
 * @throws Error naming what was awaited, after half a minute
 */
export async function eventually<T>(what: string, probe: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadlineMs = Date.now() + 30_000;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > deadlineMs) throw new Error(`${what} did not happen within 30 s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}
