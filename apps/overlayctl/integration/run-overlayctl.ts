import { execFile } from 'node:child_process';
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
