import { readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { OverlayError } from '@overlay/failure';
import Docker from 'dockerode';
import type { CommandOutcome, ContainerCommands } from './container-commands.js';

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
    async run({ containerId, argv }, signal) {
      const exec = await asked(
        docker
          .getContainer(containerId)
          .exec({ Cmd: [...argv], AttachStdout: true, AttachStderr: true, Privileged: false }),
        { socketPath, containerId },
      );
      const stream = await asked(exec.start({ hijack: true, stdin: false }), { socketPath, containerId });
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
      const { Pid: pid, ExitCode: exitCode, Running: running } = await exec.inspect();
      if (!ended || running) {
        stream.destroy();
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
 * Ends a command that has run out of time; the engine has no call for that. Only a process whose control group is
 * the container's is touched: the number may be of another pid namespace, or taken again since.
 */
async function endProcess(pid: number, containerId: string): Promise<void> {
  if (pid <= 1) return;
  try {
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    if (groups.includes(containerId)) process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
  }
}

function isGone(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return false;
  return thrown.code === 'ENOENT' || thrown.code === 'ESRCH';
}

/** The answer of the engine; its refusals in the product's terms. */
async function asked<T>(
  answer: Promise<T>,
  { socketPath, containerId }: { readonly socketPath: string; readonly containerId: string },
): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    const status =
      typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown && thrown.statusCode;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    if (status === 404) {
      const message = `the Docker engine at ${socketPath} knows no container ${containerId}`;
      throw new OverlayError('not_found', `${message}: a command runs in Docker containers only`);
    }
    if (status === 409) throw new OverlayError('failed_precondition', `container ${containerId}: ${reason}`);
    const message = `the Docker engine at ${socketPath} does not run the command: ${reason}`;
    throw new OverlayError('unavailable', message, { cause: thrown });
  }
}
