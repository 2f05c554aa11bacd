import { statSync } from 'node:fs';

/** The network namespaces of the host, by the paths that runtimes give for them. */
export interface Namespaces {
  /**
   * True if something stands at the path, and if that cannot be told. Answers at once: such paths lie in file
   * systems in memory.
   */
  lives(path: string): boolean;
}

const NOTHING_THERE: readonly unknown[] = ['ENOENT', 'ENOTDIR'];

/** The namespaces of the machine, as this process's mount namespace shows them. */
export const hostNamespaces: Namespaces = {
  lives(path) {
    try {
      statSync(path);
      return true;
    } catch (error) {
      const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
      return !NOTHING_THERE.includes(code);
    }
  },
};
