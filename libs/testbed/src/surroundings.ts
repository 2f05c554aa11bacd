import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OverlayError } from '@overlay/failure';
import { TESTBED_MARK } from './leftovers.js';

/** What every part of one testbed shares. */
export interface Surroundings {
  /** The testbed's name, the prefix of all it makes. */
  readonly testbed: string;
  /** Everything on disk lives here. */
  readonly folder: string;
  /** The checkout whose `bin/` is run. */
  readonly repository: string;
  /** The whole environment of every process. */
  readonly env: Readonly<Record<string, string>>;
}

/** Folders in which CNI plugins are looked for, ours first (CNI specification, `CNI_PATH`). */
export function cniPath(repository: string): readonly string[] {
  return [join(repository, 'bin', 'cni'), '/usr/lib/cni'];
}

/** A small environment of our own: nothing of the caller's leaks into the processes under test. */
export function planEnvironment(testbed: string, folder: string, nodeDir: string): Record<string, string> {
  return {
    PATH: [nodeDir, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
    HOME: folder,
    LANG: 'C.UTF-8',
    [TESTBED_MARK]: testbed,
  };
}

/** The checkout that this file belongs to. */
export function findRepository(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'nx.json'))) {
    if (folder === dirname(folder)) throw new OverlayError('internal', 'the testbed runs outside a checkout');
    folder = dirname(folder);
  }
  return folder;
}
