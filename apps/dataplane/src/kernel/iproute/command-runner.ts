import { spawn } from 'node:child_process';
import { isFailure, OverlayError } from '@overlay/failure';

/** What a command left behind. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command with text on its standard input. Never through a shell. */
export interface CommandRunner {
  /**
   * @throws OverlayError `unavailable` if the command cannot be started, `deadline_exceeded` if it runs longer than
   * `timeoutMs` (it is killed then, and not waited for) or somebody else kills it.
   */
  run(command: string, args: readonly string[], input: string, timeoutMs: number): Promise<CommandResult>;
}

/**
 * Starts processes.
 * @param prefix a command that runs the rest of its arguments elsewhere, for example `nsenter --net=PATH`
 */
export function processRunner(prefix: readonly string[] = []): CommandRunner {
  return {
    run(command, args, input, timeoutMs) {
      const [file = command, ...rest] = [...prefix, command, ...args];
      return new Promise((resolve, reject) => {
        const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
        const stdout: Buffer[] = [];
        const stderr: Buffer[] = [];
        child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
        child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
        // A command that ends before it has read everything closes the pipe; its exit code tells the rest.
        child.stdin.on('error', () => undefined);
        // Nobody waits for its end: a command that the kernel holds does not even take SIGKILL.
        const limit = setTimeout(() => {
          child.kill('SIGKILL');
          for (const pipe of child.stdio) pipe?.destroy();
          child.unref();
          const message = `${command} ${args.join(' ')} did not end within ${timeoutMs} ms`;
          reject(new OverlayError('deadline_exceeded', message));
        }, timeoutMs);
        child.on('error', (error) => {
          clearTimeout(limit);
          reject(
            new OverlayError('unavailable', `cannot run ${command}: ${error.message}`, { cause: error }),
          );
        });
        child.on('close', (exitCode, signal) => {
          clearTimeout(limit);
          if (exitCode === null) {
            const message = `${command} ${args.join(' ')} was ended by ${signal}`;
            reject(new OverlayError('deadline_exceeded', message));
            return;
          }
          resolve({ exitCode, stdout: textOf(stdout), stderr: textOf(stderr) });
        });
        child.stdin.end(input);
      });
    },
  };
}

/**
 * What a command prints; empty if it fails or is not installed.
 * @throws OverlayError `deadline_exceeded`.
 */
export async function outputOf(
  runner: CommandRunner,
  command: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  try {
    const { exitCode, stdout } = await runner.run(command, args, '', timeoutMs);
    return exitCode === 0 ? stdout : '';
  } catch (thrown) {
    if (isFailure(thrown, 'unavailable')) return '';
    throw thrown;
  }
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}
