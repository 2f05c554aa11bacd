import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchResult, goalReached, ratioOf } from './bench.js';

/** Writes the result with its ratios as `<name>.json` into the folder, which is made if it is missing; returns the path. */
export async function writeResult(folder: string, name: string, result: BenchResult): Promise<string> {
  const measurements = result.measurements.map((measurement) => ({
    ...measurement,
    ratio: ratioOf(measurement),
    reached: goalReached(measurement),
  }));
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  await writeFile(path, `${JSON.stringify({ name, measurements }, undefined, 2)}\n`);
  return path;
}
