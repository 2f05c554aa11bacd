import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '@overlay/testbed';
import type { RawStep } from './raw-batches.js';

const TIMEOUT_MS = 600_000;

/**
 * Runs the steps in a host, each as one batch from a file. @returns the seconds of each step by its name.
 * @throws OverlayError `internal` with the tool's words.
 */
export async function programRaw(
  host: Host,
  steps: readonly RawStep[],
): Promise<ReadonlyMap<string, number>> {
  const file = join(host.paths.folder, 'batch');
  const seconds = new Map<string, number>();
  try {
    for (const { name, argv, lines } of steps) {
      writeFileSync(file, `${lines.join('\n')}\n`);
      const startMs = performance.now();
      await host.execOrFail([...argv, file], { timeoutMs: TIMEOUT_MS });
      seconds.set(name, (performance.now() - startMs) / 1000);
    }
  } finally {
    rmSync(file, { force: true });
  }
  return seconds;
}
