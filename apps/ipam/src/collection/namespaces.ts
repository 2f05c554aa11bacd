import { statSync } from 'node:fs';
import { errnoOf } from '@overlay/failure';

/** The network namespaces of the host, by the paths that runtimes give for them. */
export interface Namespaces {
  /**
   * True if something stands at the path, and if that cannot be told. Answers at once: such paths lie in file
   * systems in memory.
   */
  lives(path: string): boolean;
}

const NOTHING_THERE: readonly string[] = ['ENOENT', 'ENOTDIR'];

/** The namespaces of the machine, as this process's mount namespace shows them. */
export const hostNamespaces: Namespaces = {
  lives(path) {
    try {
      statSync(path);
      return true;
    } catch (error) {
      return !NOTHING_THERE.includes(errnoOf(error));
    }
  },
};
