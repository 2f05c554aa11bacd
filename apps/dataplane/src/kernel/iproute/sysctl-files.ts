import { readdir, readFile, writeFile } from 'node:fs/promises';

/** The files below /proc/sys of the network namespace that the caller lives in. */
export interface SysctlFiles {
  /** The value without its line end; undefined if the key is not there. */
  read(key: string): Promise<string | undefined>;
  /** @throws if the key is not there or the value is refused. */
  write(key: string, value: string): Promise<void>;
  /** Names of the keys and folders below `key`; empty if it is not there. */
  list(key: string): Promise<readonly string[]>;
}

/** The kernel's own files. Keys are relative, for example `net/ipv4/ip_forward`. */
export const procSysFiles: SysctlFiles = {
  async read(key) {
    const text = await readFile(`/proc/sys/${key}`, 'utf8').catch(() => undefined);
    return text?.trim();
  },
  write: (key, value) => writeFile(`/proc/sys/${key}`, value),
  list: (key) => readdir(`/proc/sys/${key}`).catch(() => []),
};
