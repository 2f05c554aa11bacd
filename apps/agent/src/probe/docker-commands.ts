import { access, readFile } from 'node:fs/promises';
import { type Duplex, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { AllocationHalf } from '@overlay/contracts';
import { OverlayError, toOverlayError } from '@overlay/failure';
import Docker from 'dockerode';
import type { CommandOutcome, ContainerCommands } from './container-commands.js';

/** How long the engine may take to tell how a command ended. */
const INSPECT_MS = 2_000;

/** How long a command may take to appear whose start nobody waits for any more. */
const LATE_START_MS = 500;

/** How long the engine may take to tell that a command has ended whose output is held open: it waits for that 2 s. */
const LATE_END_MS = 3_000;

/** Time between two looks for either. */
const LATE_POLL_MS = 50;

/** How much of the end of a command's output is kept. */
const OUTPUT_LIMIT_BYTES = 16 * 1024;

/**
 * Runs commands through a Docker engine, as `docker exec` does: inside the container, as its user, without
 * privileges of their own.
 * @param socketPath the engine's socket
 */
export function dockerCommands(socketPath: string): ContainerCommands {
  const docker = new Docker({ socketPath });
  return {
    async run({ containerId, half, argv }, signal) {
      // Docker takes names and beginnings of ids for its containers: another runtime's id must never reach it.
      if (half !== AllocationHalf.DOCKER) throw notDockers(socketPath, containerId);
      const ask = <T>(answer: Promise<T>) => asked(answer, { socketPath, containerId, signal });
      const exec = await ask(
        docker.getContainer(containerId).exec({
          Cmd: [...argv],
          AttachStdout: true,
          AttachStderr: true,
          Privileged: false,
          abortSignal: signal,
        }),
      );
      let stream: Duplex;
      try {
        stream = await ask(exec.start({ hijack: true, stdin: false, abortSignal: signal }));
      } catch (thrown) {
        if (signal.aborted) await endUnheard(exec, containerId);
        throw thrown;
      }
      const tail = new OutputTail();
      docker.modem.demuxStream(stream, tail, tail);
      const ended = await new Promise<boolean>((resolve) => {
        const stop = () => resolve(false);
        signal.addEventListener('abort', stop, { once: true });
        const finish = () => {
          signal.removeEventListener('abort', stop);
          resolve(true);
        };
        stream.once('end', finish);
        stream.once('error', finish);
        if (signal.aborted) stop();
      });
      stream.destroy();
      const inspected = await inspectLeft(exec, { socketPath, containerId });
      const { Pid: pid, ExitCode: exitCode, Running: running } = inspected;
      if (running || (!ended && exitCode === null)) {
        await endProcess(pid, containerId);
        throw new OverlayError('deadline_exceeded', `the command in ${containerId} did not end in time`);
      }
      return { exitCode: exitCode ?? -1, output: tail.text } satisfies CommandOutcome;
    },
  };
}

/** Keeps the end of what is written to it. */
class OutputTail extends Writable {
  #tail = Buffer.alloc(0);

  get text(): string {
    return this.#tail.toString('utf8');
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-OUTPUT_LIMIT_BYTES);
    done();
  }
}

/**
 * How a command stands whose output nobody reads any more. One that has ended may have left something running that holds
 * its output open: the engine goes on telling for a while that it runs.
 */
async function inspectLeft(
  exec: Docker.Exec,
  place: Omit<Question, 'signal'>,
): Promise<Docker.ExecInspectInfo> {
  const looks = LATE_END_MS / LATE_POLL_MS;
  for (let look = 1; ; look += 1) {
    const signal = AbortSignal.timeout(INSPECT_MS);
    const inspected = await asked(exec.inspect({ abortSignal: signal }), { ...place, signal });
    if (!inspected.Running || look >= looks || (await isThere(inspected.Pid))) return inspected;
    await sleep(LATE_POLL_MS);
  }
}

/** Whether there is a process of that number, as far as this process sees. */
async function isThere(pid: number): Promise<boolean> {
  return access(`/proc/${pid}`).then(
    () => true,
    () => false,
  );
}

/**
 * Ends a command whose start was not heard of in time: the engine may have started it all the same, or be about to.
 * What cannot be found out is left.
 */
async function endUnheard(exec: Docker.Exec, containerId: string): Promise<void> {
  const abortSignal = AbortSignal.timeout(INSPECT_MS);
  const waits = LATE_START_MS / LATE_POLL_MS;
  try {
    for (let waited = 0; waited < waits; waited += 1) {
      const { Pid: pid, ExitCode: exitCode, Running: running } = await exec.inspect({ abortSignal });
      if (running && pid > 0) return await endProcess(pid, containerId);
      // Until a command has been started it has no exit code.
      if (!running && exitCode !== null) return;
      await sleep(LATE_POLL_MS);
    }
  } catch {
    // The caller is told that the engine did not answer in time, which holds.
  }
}

/**
 * Ends a command that has run out of time; the engine has no call for that. Only a process whose control group is
 * the container's is touched: the number may be of another pid namespace, or taken again since. One that this process
 * may not look at or end is left: the caller learns of the time that is over either way.
 */
async function endProcess(pid: number, containerId: string): Promise<void> {
  if (pid <= 1) return;
  try {
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    if (groups.includes(containerId)) process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if (!isOutOfReach(thrown)) throw thrown;
  }
}

/** Gone, or not for this process to touch. */
function isOutOfReach(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return false;
  return ['ENOENT', 'ESRCH', 'EPERM', 'EACCES'].includes(String(thrown.code));
}

interface Question {
  readonly socketPath: string;
  readonly containerId: string;
  readonly signal: AbortSignal;
}

/** The answer of the engine; its refusals, and its silence until the signal aborts, in the product's terms. */
async function asked<T>(answer: Promise<T>, { socketPath, containerId, signal }: Question): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    if (signal.aborted) {
      const message = `the Docker engine at ${socketPath} does not answer in time`;
      throw new OverlayError('deadline_exceeded', message, { cause: thrown });
    }
    const status =
      typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown && thrown.statusCode;
    const reason = toOverlayError(thrown).message;
    if (status === 404) throw notDockers(socketPath, containerId);
    if (status === 409) throw new OverlayError('failed_precondition', `container ${containerId}: ${reason}`);
    const message = `the Docker engine at ${socketPath} does not run the command: ${reason}`;
    throw new OverlayError('unavailable', message, { cause: thrown });
  }
}

function notDockers(socketPath: string, containerId: string): OverlayError {
  const message = `the Docker engine at ${socketPath} knows no container ${containerId}`;
  return new OverlayError('not_found', `${message}: a command runs in Docker containers only`);
}
