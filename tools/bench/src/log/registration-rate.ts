import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { OverlayError } from '@overlay/failure';
import type { LoadResult, RegistrationLoad } from './registration-load.js';

/**
 * How many new agents a master registers per second, each durable before its answer. The load is a process of its own,
 * as agents are.
 * @param present agents in the log already; the new ones have the numbers after theirs.
 * @throws OverlayError `internal` with what the load says, for example why a registration failed.
 */
export function registrationsPerSecond(
  master: string,
  present: number,
  seconds: number,
): Promise<LoadResult> {
  return runLoad({ target: master, first: present, seconds, decodes: true });
}

/** How many calls a bare gRPC server answers per second under the same load, with answers of the same size. */
export async function bareCallsPerSecond(answerBytes: number, seconds: number): Promise<number> {
  const server = spawn(process.execPath, [pathOf('./run-bare-server.js'), String(answerBytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer];
    const target = `127.0.0.1:${port.toString().trim()}`;
    return (await runLoad({ target, first: 0, seconds, decodes: false })).perSecond;
  } finally {
    server.kill('SIGKILL');
  }
}

async function runLoad(load: RegistrationLoad): Promise<LoadResult> {
  const child = spawn(process.execPath, [pathOf('./run-load.js'), JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complained, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0)
    throw new OverlayError('internal', `the load of registrations failed: ${complained.trim()}`);
  return JSON.parse(said) as LoadResult;
}

function pathOf(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url));
}
