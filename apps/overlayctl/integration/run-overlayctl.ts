import { execFile, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** How a run of the command line ended. */
export interface OverlayctlRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PROGRAM = join(__dirname, '../../../bin/overlayctl');

/** Runs the built command line without a terminal. */
export function runOverlayctl(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<OverlayctlRun> {
  const env = { PATH: process.env.PATH, ...environment };
  return new Promise((resolve) => {
    const child = execFile(PROGRAM, [...args], { env, timeout: 30_000 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ exitCode, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** Runs the built command line with its answer going to a file. */
export function runOverlayctlInto(file: string, args: readonly string[]): Omit<OverlayctlRun, 'stdout'> {
  const output = openSync(file, 'w');
  try {
    const { status, stderr } = spawnSync(PROGRAM, [...args], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', output, 'pipe'],
      encoding: 'utf8',
      timeout: 30_000,
    });
    return { exitCode: status ?? -1, stderr };
  } finally {
    closeSync(output);
  }
}

/**
 * Starts the built command line and kills it the hard way as soon as `reached` says so.
 * @returns the signal that ended it; null if it ended by itself before.
 */
export async function killOverlayctl(
  args: readonly string[],
  reached: () => Promise<boolean>,
): Promise<NodeJS.Signals | null> {
  const child = spawn(PROGRAM, [...args], { env: { PATH: process.env.PATH }, stdio: 'ignore' });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal));
  });
  while (child.exitCode === null && !(await reached()))
    await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill('SIGKILL');
  return ended;
}
