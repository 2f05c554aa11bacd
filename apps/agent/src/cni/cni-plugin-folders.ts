import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** The folders where the container runtimes find CNI plugins. */
export interface CniPluginFolders {
  /** Whether a plugin of that name is in one of them and can be run. */
  has(plugin: string): Promise<boolean>;
}

/** Folders on disk; looked at anew each time, for plugins come and go with packages. */
export class FileCniPluginFolders implements CniPluginFolders {
  readonly #paths: readonly string[];

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  async has(plugin: string): Promise<boolean> {
    const found = await Promise.all(this.#paths.map((path) => isExecutable(join(path, plugin))));
    return found.includes(true);
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
