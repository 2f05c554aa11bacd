import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OverlayError } from '@overlay/failure';
import { ManagedProcess } from './managed-process.js';
import type { EchoResult, ProbeAnswer, ProbeRequest, StreamStatus } from './probe/probe-protocol.js';
import { unixSocketListens } from './readiness.js';
import type { Surroundings } from './surroundings.js';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

interface Waiting {
  readonly resolve: (answer: ProbeAnswer) => void;
}

/** Our end of the probe process in one namespace, started when it is first needed. */
export class ProbeClient {
  readonly #process: ManagedProcess;
  readonly #socketPath: string;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Promise<Socket> | undefined;
  #lastId = 0;

  constructor(around: Surroundings, label: string, enter: readonly string[]) {
    const script = join(around.repository, 'libs', 'testbed', 'dist', 'probe', 'main.js');
    this.#socketPath = join(around.folder, `${label}.probe.sock`);
    this.#process = new ManagedProcess({
      name: `${label} probe`,
      argv: [...enter, process.execPath, '--max-semi-space-size=1', script, this.#socketPath],
      env: around.env,
      logFile: join(around.folder, `${label}.probe.log`),
      listening: unixSocketListens(this.#socketPath),
    });
    if (!existsSync(script)) {
      throw new OverlayError('failed_precondition', `${script} is missing: build the repository first`);
    }
  }

  /** Starts the probe and its echo servers. Safe to repeat. */
  async start(): Promise<void> {
    await this.#connected();
  }

  /** One exchange with an echo server. */
  async echo(request: WithoutId<Extract<ProbeRequest, { operation: 'tcp' | 'udp' }>>): Promise<EchoResult> {
    return (await this.#request(request)) as EchoResult;
  }

  /** Opens, asks about or closes a stream. */
  async stream(
    request: WithoutId<Exclude<ProbeRequest, { operation: 'tcp' | 'udp' }>>,
  ): Promise<StreamStatus> {
    return (await this.#request(request)) as StreamStatus;
  }

  /** Ends the probe. */
  async stop(): Promise<void> {
    await this.#process.kill();
  }

  async #request(request: WithoutId<ProbeRequest>): Promise<EchoResult | StreamStatus> {
    const socket = await this.#connected();
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = await new Promise<ProbeAnswer>((resolve) => {
      this.#waiting.set(id, { resolve });
      socket.ref();
      socket.write(`${JSON.stringify({ ...request, id })}\n`);
    });
    if ('error' in answer)
      throw new OverlayError('unavailable', `${this.#process.spec.name}: ${answer.error}`);
    return answer.result;
  }

  #connected(): Promise<Socket> {
    this.#socket ??= this.#connect();
    return this.#socket;
  }

  async #connect(): Promise<Socket> {
    await this.#process.start();
    const socket = connect(this.#socketPath);
    await once(socket, 'connect');
    createInterface({ input: socket }).on('line', (line) => {
      const answer = JSON.parse(line) as ProbeAnswer;
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
      if (this.#waiting.size === 0) socket.unref(); // an idle probe does not keep its user running
    });
    socket.once('close', () => {
      for (const [id, waiting] of this.#waiting) waiting.resolve({ id, error: 'the probe ended' });
      this.#waiting.clear();
      this.#socket = undefined;
    });
    socket.on('error', () => socket.destroy());
    socket.unref();
    return socket;
  }
}
