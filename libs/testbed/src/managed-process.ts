import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayError } from '@overlay/failure';

/** Answers `undefined` when the process is ready, else why it is not. */
export type ReadinessProbe = () => Promise<string | undefined>;

/** How to run a process. */
export interface ProcessSpec {
  /** For messages: `h1 overlay-agent`. */
  readonly name: string;
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Standard output and error are appended here. */
  readonly logFile: string;
  /** Stages in order: each is asked until it answers `undefined`, then the next. */
  readonly listening?: ReadinessProbe;
  readonly ready?: ReadinessProbe;
}

/** Changes to one launch only; the next start is a plain one again. */
export interface LaunchOverrides {
  /** Added to the environment, for example `{ OVERLAY_FAIL_POINTS: '…' }`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Appended to the arguments. */
  readonly args?: readonly string[];
}

/** How a process ended. */
export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<ProcessExit>;
}

const TAIL_LINES = 25;

/** One supervised process. It leads a session of its own, so it gets no terminal signal and can outlive us. */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  #running: Running | undefined;
  #lastExit: ProcessExit | undefined;

  constructor(spec: ProcessSpec) {
    this.spec = spec;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** How it ended last time, `undefined` while it runs or before it ever ran. */
  get lastExit(): ProcessExit | undefined {
    return this.#running === undefined ? this.#lastExit : undefined;
  }

  /** Launches the process and returns at once. @throws OverlayError `failed_precondition` if it runs already. */
  launch(overrides: LaunchOverrides = {}): void {
    if (this.#running !== undefined) {
      throw new OverlayError('failed_precondition', `${this.spec.name} runs already (pid ${this.pid})`);
    }
    const [file = '', ...args] = [...this.spec.argv, ...(overrides.args ?? [])];
    const log = openSync(this.spec.logFile, 'a');
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...this.spec.env, ...overrides.env },
    });
    closeSync(log);
    const exited = new Promise<ProcessExit>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
      child.once('error', () => resolve({ exitCode: null, signal: null }));
    }).then((exit) => {
      this.#lastExit = exit;
      this.#running = undefined;
      return exit;
    });
    this.#running = { child, exited };
    child.unref();
  }

  /** {@link launch}, then {@link waitReady}. */
  async start(overrides: LaunchOverrides = {}, timeoutMs?: number): Promise<void> {
    this.launch(overrides);
    await this.waitReady(timeoutMs);
  }

  /** Waits until the sockets listen. @throws like {@link waitReady}. */
  waitListening(timeoutMs = 30_000): Promise<void> {
    return this.#waitFor([this.spec.listening], timeoutMs);
  }

  /**
   * Waits until the sockets listen and the readiness probe agrees.
   *
   * @throws OverlayError `unavailable` with the end of the log when the process dies meanwhile,
   *   `deadline_exceeded` with the probe's last answer when it takes too long.
   */
  waitReady(timeoutMs = 30_000): Promise<void> {
    return this.#waitFor([this.spec.listening, this.spec.ready], timeoutMs);
  }

  /** SIGTERM, then SIGKILL after the grace period. @returns how it ended; `undefined` if it did not run. */
  async stop(graceMs = 10_000): Promise<ProcessExit | undefined> {
    const running = this.#running;
    if (running === undefined) return undefined;
    this.signal('SIGTERM');
    this.signal('SIGCONT'); // a paused process takes its SIGTERM only when it goes on
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    try {
      return await this.#keepAlive(running.exited);
    } finally {
      clearTimeout(timer);
    }
  }

  /** SIGKILL. @returns how it ended; `undefined` if it did not run. */
  async kill(): Promise<ProcessExit | undefined> {
    const running = this.#running;
    this.signal('SIGKILL');
    return running === undefined ? undefined : this.#keepAlive(running.exited);
  }

  /** Kills it the hard way and starts it again, ready when this returns. */
  async restart(overrides: LaunchOverrides = {}): Promise<void> {
    await this.kill();
    await this.start(overrides);
  }

  /** SIGSTOP. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.signal('SIGCONT');
  }

  /** Sends a signal; nothing happens if it does not run. */
  signal(signal: NodeJS.Signals): void {
    this.#running?.child.kill(signal);
  }

  /** Waits for the process to end by itself. */
  async waitExit(timeoutMs = 30_000): Promise<ProcessExit> {
    const running = this.#running;
    if (running === undefined) {
      if (this.#lastExit !== undefined) return this.#lastExit;
      throw new OverlayError('failed_precondition', `${this.spec.name} never ran`);
    }
    const ending = new AbortController();
    const late = sleep(timeoutMs, undefined, { signal: ending.signal }).catch(() => undefined);
    const exit = await Promise.race([running.exited, late]);
    ending.abort();
    if (exit === undefined) {
      throw new OverlayError('deadline_exceeded', `${this.spec.name} still runs after ${timeoutMs} ms`);
    }
    return exit;
  }

  /** The whole log since the testbed was made; empty before the first start. */
  log(): string {
    return existsSync(this.spec.logFile) ? readFileSync(this.spec.logFile, 'utf8') : '';
  }

  /** The last lines of the log. */
  logTail(lines = TAIL_LINES): string {
    return this.log().trimEnd().split('\n').slice(-lines).join('\n');
  }

  async #waitFor(stages: readonly (ReadinessProbe | undefined)[], timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (const probe of stages) {
      if (probe === undefined) continue;
      let pauseMs = 15;
      for (let reason = await probe(); reason !== undefined; reason = await probe()) {
        if (!this.running) throw this.#died();
        if (Date.now() > deadline) throw this.#notReady(reason, timeoutMs);
        await sleep(pauseMs);
        pauseMs = Math.min(pauseMs * 1.5, 150);
      }
    }
    if (!this.running) throw this.#died();
  }

  #died(): OverlayError {
    const { exitCode = null, signal = null } = this.#lastExit ?? {};
    const how = signal === null ? `exit ${exitCode}` : signal;
    return new OverlayError(
      'unavailable',
      `${this.spec.name} ended (${how}); the end of ${this.spec.logFile}:\n${this.logTail()}`,
    );
  }

  #notReady(reason: string, timeoutMs: number): OverlayError {
    return new OverlayError(
      'deadline_exceeded',
      `${this.spec.name} is not ready after ${timeoutMs} ms: ${reason}; the end of ${this.spec.logFile}:\n${this.logTail()}`,
    );
  }

  /** The child is unreferenced: without a timer, Node would exit instead of waiting for it. */
  async #keepAlive<T>(promise: Promise<T>): Promise<T> {
    const timer = setInterval(() => undefined, 1_000);
    try {
      return await promise;
    } finally {
      clearInterval(timer);
    }
  }
}
