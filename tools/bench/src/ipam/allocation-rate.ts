import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { OverlayError } from '@overlay/failure';
import { open } from 'lmdb';
import type { AllocationLoad } from './allocation-load.js';

/** Of an allocation and of an address that was given back. */
const RECORD = 'x'.repeat(300);

/** Pairs of allocation and release that a server answers per second; the load is a process of its own. */
export async function pairsPerSecond(load: AllocationLoad): Promise<number> {
  const child = spawn(process.execPath, [pathOf('./run-allocation-load.js'), JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complained, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new OverlayError('internal', `the load of allocations failed: ${complained.trim()}`);
  return JSON.parse(said) as number;
}

/** The same of a server that keeps nothing, started as overlay-ipam is. */
export async function barePairsPerSecond(
  folder: string,
  load: Omit<AllocationLoad, 'socket'>,
): Promise<number> {
  const socket = join(folder, 'bare.sock');
  const argv = ['--max-semi-space-size=32', pathOf('./run-bare-ipam.js'), socket];
  const server = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    return await pairsPerSecond({ ...load, socket });
  } finally {
    server.kill('SIGKILL');
    rmSync(socket, { force: true });
  }
}

/** Commits per second of as many changes as are in flight, each flushed before the next, with nothing around them. */
export async function commitsPerSecond(folder: string, changes: number, durationMs: number): Promise<number> {
  const database = open<string, string>({
    path: join(folder, 'raw.lmdb'),
    noSubdir: true,
    overlappingSync: false,
  });
  try {
    const startMs = performance.now();
    let commits = 0;
    while (performance.now() - startMs < durationMs) {
      database.transactionSync(() => {
        for (let change = 0; change < changes; change += 1) {
          database.putSync(`allocation/bench/caller-${change}`, `${RECORD}${commits}`);
          database.removeSync(`freed/9.0.0.${change}`);
        }
      });
      commits += 1;
    }
    return (commits * 1000) / (performance.now() - startMs);
  } finally {
    await database.close();
  }
}

function pathOf(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url));
}
