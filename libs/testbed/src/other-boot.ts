import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Node's `readFileSync` in a process that takes the host for one that was started anew. */
const PRELOADED = `
const fs = require('node:fs');
const { readFileSync } = fs;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
fs.readFileSync = (path, ...more) => (path === BOOT_ID ? 'another-boot' : readFileSync(path, ...more));
require('node:module').syncBuiltinESMExports();
`;

/**
 * The environment of a Node process to which the host was started anew: it reads the boot id `another-boot`, which no
 * namespace can change.
 * @param folder where the module is written that the process loads first; it has to outlast the process.
 */
export function envOfOtherBoot(folder: string): Readonly<Record<string, string>> {
  const module = join(folder, 'other-boot.cjs');
  writeFileSync(module, PRELOADED);
  return { NODE_OPTIONS: `--require=${module}` };
}
