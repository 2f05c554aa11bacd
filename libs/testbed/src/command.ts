import { spawn } from 'node:child_process';
import { OverlayError } from '@overlay/failure';

/** How a finished command ended; `exitCode` is null when a signal killed it. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command gets beside its arguments. */
export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The command is killed after this time and the call fails with `deadline_exceeded`. Default 30,000. */
  readonly timeoutMs?: number;
}

/**
 * Runs one program (no shell) and waits for it. A non-zero exit is a result, not an error.
 *
 * @throws OverlayError `not_found` when the program does not exist, `deadline_exceeded` when it takes too long.
 */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? 30_000;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: 'pipe',
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => undefined); // the program may end without reading its input
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new OverlayError('not_found', `cannot start ${file}: ${cause.message}`, { cause }));
    });
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      if (late) {
        reject(new OverlayError('deadline_exceeded', `${argv.join(' ')} did not end within ${timeoutMs} ms`));
        return;
      }
      resolve({
        exitCode,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
    child.stdin.end(options.input ?? '');
  });
}

/**
 * Runs one program that has to succeed and returns its standard output.
 *
 * @throws OverlayError `internal` with the program's own words when it exits non-zero.
 */
export async function runOrFail(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.exitCode !== 0) {
    const words = result.stderr.trim() || result.stdout.trim();
    throw new OverlayError('internal', `${argv.join(' ')} failed (exit ${result.exitCode}): ${words}`);
  }
  return result.stdout;
}
